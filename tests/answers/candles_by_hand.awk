# One line of tests/answers/candles_by_hand.csv: the fold of a slice of minutes, by awk alone.
# Use: awk -F, -v from=... -v to=... -f candles_by_hand.awk FILE   (from inclusive, to exclusive)
# Rows are `start,open,high,low,close,volume` in time order. %.7g gives the decimal that a float32 stands
# for (prices of up to seven digits), so that 86.3499984741211 is written 86.35.
$1 >= from && $1 < to {
    if (!minutes++) { open = $2; high = $3; low = $4 }
    if ($3 + 0 > high + 0) high = $3
    if ($4 + 0 < low + 0) low = $4
    close_ = $5; volume += $6
}
END { printf "%.7g,%.7g,%.7g,%.7g,%d,%d\n", open, high, low, close_, volume, minutes }
