from dataclasses import replace
from findata_resources.stores.objects import Objects
def test_a(stack):
    e=replace(stack[1], s3_bucket='no-such-bucket2')
    o=Objects(e)
    for f in (lambda:o.get('a/b'), lambda:o.version('a/b'), lambda:list(o.keys('a/')), lambda:o.replace('a/b', b'x', 'abc'), lambda: o.create('a/b', b'1'), lambda:o.get('a/b')):
        try: print('OK', f())
        except Exception as x: print(type(x), str(x)[:300], '|||', repr(x.__cause__)[:300])
