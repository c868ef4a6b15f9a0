# Lines of tests/answers/breaks_by_hand.csv: minutes summed up beside a provider's own bars, by awk alone.
# Use: awk -F, -v id=MSFT.XNAS -v open=870 -v width=390 -v least=0.45 -v last=2024-02-14 \
#     -f breaks_by_hand.awk 1T.csv 5T.csv 1D.csv
# open: minutes from midnight UTC to the open; width: minutes of the session (no daylight saving in the set);
# last: the first day left out (it had not ended); least: the part of a day's volume that its minutes have at
# least. Rows are `date,open,high,low,close,volume`.
# What may differ is what MANIFEST.md ("Seen in the data", 3) and domain.md say: open and close 0.3 % (auctions),
# extremes 0.06 %, never more volume than the day; a cent and a round lot besides. Of five minutes 0.1 % and 10 %.
function minute_of(stamp) { return substr(stamp, 12, 2) * 60 + substr(stamp, 15, 2) - open }
function take(key) {
    if (!count[key]++) { o[key] = $2; h[key] = $3; l[key] = $4 }
    if ($3 + 0 > h[key] + 0) h[key] = $3
    if ($4 + 0 < l[key] + 0) l[key] = $4
    c[key] = $5; v[key] += $6
}
function apart(a, b) { return a > b ? a - b : b - a }
function judge(kind, day, field, left, right, allowed, why,    name) {
    name = kind "," id "," day "," field
    if (apart(left, right) <= allowed) return
    if (!(name in broken)) order[++keys] = name
    broken[name]++
    excess = apart(left, right) / allowed
    # the worst is the worst of those that nothing explains
    if (why == "" && !(name in unknown)) worst[name] = -1
    if (why == "") unknown[name] = 1
    if ((why == "" || !(name in unknown)) && excess > worst[name]) {
        worst[name] = excess; said[name] = sprintf("%.10g,%.10g", left, right)
    }
}
function silent(left, right) { return left == 0 || right == 0 ? "volume 0" : "" }
FNR == 1 { file++; next }
{ day = substr($1, 1, 10) }
file == 1 && minute_of($1) >= 0 && minute_of($1) < width { take(day); take(day " " int(minute_of($1) / 5)) }
file == 2 && minute_of($1) >= 0 && minute_of($1) < width {
    key = day " " int(minute_of($1) / 5)
    if (!count[key]) next
    why = count[key] < 5 ? "missing" : ""
    judge("candles_bars", day, "open", o[key], $2, 0.001 * $2 + 0.01, why)
    judge("candles_bars", day, "high", h[key], $3, 0.001 * $3 + 0.01, why)
    judge("candles_bars", day, "low", l[key], $4, 0.001 * $4 + 0.01, why)
    judge("candles_bars", day, "close", c[key], $5, 0.001 * $5 + 0.01, why)
    judge("candles_bars", day, "volume", v[key], $6, 0.1 * $6 + 100, why == "" ? silent(v[key], $6) : why)
}
file == 3 && count[$1] && $1 < last {
    few = count[$1] < width ? "missing" : ""
    at_open = apart(o[$1], $2) <= 0.003 * $2 + 0.01
    at_close = apart(c[$1], $5) <= 0.003 * $5 + 0.01
    judge("minutes_daily", $1, "open", o[$1], $2, 0.003 * $2 + 0.01, few)
    auction = $3 > h[$1] && (($3 == $2 && at_open) || ($3 == $5 && at_close)) ? "auction" : few
    judge("minutes_daily", $1, "high", h[$1], $3, 0.0006 * $3 + 0.01, auction)
    auction = $4 < l[$1] && (($4 == $2 && at_open) || ($4 == $5 && at_close)) ? "auction" : few
    judge("minutes_daily", $1, "low", l[$1], $4, 0.0006 * $4 + 0.01, auction)
    judge("minutes_daily", $1, "close", c[$1], $5, 0.003 * $5 + 0.01, "")
    judge("minutes_daily", $1, "volume", v[$1], $6, (v[$1] > $6 ? 0 : (1 - least) * $6) + 100, few)
}
END { for (n = 1; n <= keys; n++) print order[n] "," said[order[n]] "," broken[order[n]] "," (order[n] in unknown ? "open" : "explained") }
