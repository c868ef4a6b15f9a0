import time
from findata_assets.steps.platform import Platform
def test_a(loaded_sample):
    import findata_assets.steps.due_steps as d
    t=time.time(); print(d.run_due(loaded_sample)); print(time.time()-t)
    db=loaded_sample.store.database
    from psycopg import sql
    for tbl in "market.bars market.bars_1d market.candles market.weekly_candles signals.weekly_pivots signals.pivot_signals rates.rates rates.averages ops.coverage ops.quarantine ops.due ops.lake_dirty ops.payloads history.bars history.instruments history.sessions".split():
        print(tbl, db.frame(sql.SQL("select count(*) as n from "+tbl)).item())
    print(db.frame(sql.SQL("select instrument_id,window_start_date,source_interval,count(*) from signals.weekly_pivots group by 1,2,3 order by 1,2,3")).rows())
    print(db.frame(sql.SQL("select table_name, rule,subject, scope_date,count(*) from ops.quarantine group by 1,2,3,4 order by 1,2,3,4")).rows())
