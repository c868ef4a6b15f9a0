from tests.orchestration import Orchestrated
import dagster as dg, time
def test_x(dagster: Orchestrated) -> None:
    t=time.time(); r=dagster.load(); print(time.time()-t, r.done)
    for k in sorted(r.done.materializations):
        m=dagster.latest(k); print(k, {a:(str(b)[:60], len(str(b))) for a,b in m.items()})
    from findata_assets.definitions import findata
    for ck in sorted(findata().resolve_asset_graph().asset_check_keys,key=str):
        s=dagster.instance.event_log_storage.get_asset_check_execution_history(ck,limit=50)
        print(ck.to_user_string(), {(x.status.value, getattr(x.event.dagster_event.event_specific_data,"severity",None)) for x in s}, len(s))
    print(dagster.rows("select table_name,rule,subject,scope_date::text,reason from ops.quarantine"))
