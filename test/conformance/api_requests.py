# SPDX-License-Identifier: Apache-2.0
"""What is asked of both servers by compare_api.py, and which answers are known to differ and why."""
import json
import random
import urllib.parse

FORM = {"Content-Type": "application/x-www-form-urlencoded"}

# (pattern over "METHOD target", the line of docs/differences.md)
KNOWN = [
    (r"/status/(config|flags|runtimeinfo|buildinfo|tsdb)|scrape_pools/config\?scrapePool=om", "status pages speak of this process"),
    (r"/api/v1/features", "features has the categories that exist here"),
    (r"/api/v1/read|self_metrics|relabel_steps|openapi\.yaml", "absent endpoints"),
    (r"notifications/live", "notifications/live is 204"),
    (r"metadata\?.*limit=", "which targets and metrics come first is left open by Prometheus"),
    (r"label/l/values.*start=", "what has no sample between start and end is left out; Prometheus looks at whole chunks and heads"),
    (r"//|/query/$|GET /api/v1$|/federate/$|label/%2F/values", "paths are not cleaned"),
    (r"(time|start|end)=(NaN|-?Inf|1e10|1e300|\+Inf)\b", "times that are none, or beyond 2262, wrap around in Prometheus"),
]


class Request:
    def __init__(self, path, params=(), method="GET", headers=None, body=None, any_order=False):
        pairs = params.items() if isinstance(params, dict) else params
        query = urllib.parse.urlencode([(name, str(value)) for name, value in pairs])
        self.method, self.body, self.headers = method, body, dict(headers or {})
        # Prometheus leaves the order open: postings come as they were created, maps as they are.
        self.any_order = any_order
        self.target = path
        if method == "POST" and body is None and query:
            self.body, self.headers = query, {**self.headers, **FORM}
        elif query:
            self.target += "?" + query


def instant_queries():
    return [
        r'"\b\f\x7f\u2028\x01\t\r<>&\u00e9\U0001f600\\\"/"', r'label_replace(vector(1), "l", "\b\f\x7f\u2028\x01<>&\\\"/", "", "")',
        r'x{a="\b\x01\u2028<"', r'"\xff"', "vector(-0)", "-0", "1e-6", "vector(1e20)", "vector(0.1+0.2)", "vector(5e-324)",
        "1", "-1", "1e21", "1e-7", "Inf", "-Inf", "NaN", '"text"', '"<a>&\u20ac\\n\\""', "time()", "vector(1)", "vector(time())",
        "a_gauge", 'a_gauge{l="x"}', "a_gauge[20s]", "a_gauge[20s] offset 10s", "d_odd", "d_odd[10s]", '{"e.utf8"}', '{"e.utf8","l.m"="x"}',
        "sum(a_gauge)", "sum by (l) (a_gauge)", "sort(b_requests_total)", "sort_desc(b_requests_total)", "topk(2, b_requests_total)",
        "count_values(\"v\", d_odd)", "rate(b_requests_total[1m])", "increase(b_requests_total[1m])", "delta(a_gauge[1m])",
        "histogram_quantile(0.9, c_seconds_bucket)", "histogram_quantile(2, c_seconds_bucket)", "quantile(2, a_gauge)",
        "rate(a_gauge[1m])", "increase(c_seconds_sum[1m])", "a_gauge + on (l) a_gauge", "absent(nobody)", "absent(a_gauge)",
        "nobody", "max_over_time(a_gauge[1m:10s])", "a_gauge @ end()", "om_size_bytes", "om_build_info", "a_gauge > 100", "a_gauge == bool 59",
        "label_replace(a_gauge, \"n\", \"$1\", \"l\", \"(.*)\")", "quantile_over_time(1.5, a_gauge[1m])", "stddev(a_gauge)",
        "sum without (pod) (b_requests_total)", "b_requests_total offset -1m", "-a_gauge", "a_gauge and b_requests_total",
        # errors
        "", "(", "a_gauge{", "a_gauge{l=x}", "sum(", "rate(a_gauge)", "nosuch(1)", "1 +", "a_gauge[0s]", "{}", "{l=\"\"}", "a_gauge[5m] + 1",
        "a_gauge * on() a_gauge", "a_gauge * ignoring(l) a_gauge", "label_replace(a_gauge, \"l\", \"same\", \"\", \"\")",
        "info(a_gauge)", "limitk(1, a_gauge)", "a_gauge anchored", "scalar(1)", "a_gauge{l=~\"(\"}", "label_replace(a_gauge, \"~\", \"$1\", \"l\", \"(\")",
        "sum_over_time(a_gauge)", "\"a\" + 1", "1 == 1", "a_gauge @ nobody", "topk(1)", "\xff",
    ]


def queries(world):
    end = world.end
    for query in instant_queries():
        yield Request("/api/v1/query", {"query": query, "time": end}, any_order=True)
        yield Request("/api/v1/query_range", {"query": query, "start": end - 60, "end": end, "step": 15}, any_order=True)
    for method in ("GET", "POST"):
        yield Request("/api/v1/query", {"query": "a_gauge", "time": end}, method)
        yield Request("/api/v1/query_range", {"query": "a_gauge", "start": end - 30, "end": end, "step": "5s"}, method)
    for time in ("", 0, -1, end + 0.5, end + 0.1234, f"{end}.999", "1e10", "x", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123456789Z",
                 "2026-01-01T00:00:00+01:00", "2026-01-01", "NaN", "Inf", "-Inf", "1e300", "0x10", "1_000", " 1"):
        if time != "":
            yield Request("/api/v1/query", {"query": "time()", "time": time})
        yield Request("/api/v1/query_range", {"query": "time()", "start": time, "end": end, "step": 15})
        yield Request("/api/v1/query_range", {"query": "time()", "start": end, "end": time, "step": 15})
    for step in ("", "0", "-1", "x", "1ms", "0.5", "1m30s", "NaN", "1e300", "1e-10", "1d", "+5", "5ss", "0s", "1y1s"):
        yield Request("/api/v1/query_range", {"query": "a_gauge", "start": end - 10, "end": end, "step": step})
    yield Request("/api/v1/query_range", {"query": "1", "start": 0, "end": 11000, "step": 1})
    yield Request("/api/v1/query_range", {"query": "1", "start": 0, "end": 11001, "step": 1})
    yield Request("/api/v1/query_range", {"query": "1", "start": 0, "end": 11000.9, "step": 1})
    yield Request("/api/v1/query_range", {"query": "1", "start": 10, "end": 1, "step": 1})
    for limit in ("", "0", "1", "2", "100", "-1", "x", "1.5", "+1", "99999999999999999999"):
        for query in ("b_requests_total", "b_requests_total[10s]", "1"):
            yield Request("/api/v1/query", {"query": query, "time": end, "limit": limit}, any_order=True)
        yield Request("/api/v1/query_range", {"query": "b_requests_total", "start": end - 5, "end": end, "step": 5, "limit": limit}, any_order=True)
    for timeout in ("x", "1s", "1m", "-", "1e300", "10"):
        yield Request("/api/v1/query", {"query": "1", "time": end, "timeout": timeout})
        yield Request("/api/v1/query_range", {"query": "1", "start": end, "end": end, "step": 1, "timeout": timeout})
    for lookback in ("1s", "30", "x", "0", "-1", "1ms"):
        yield Request("/api/v1/query", {"query": "a_gauge", "time": end + 20, "lookback_delta": lookback})
    for count in (9, 10, 11, 14):
        many = " or ".join(f"quantile({i + 2}, a_gauge)" for i in range(count))
        yield Request("/api/v1/query", {"query": many, "time": end}, any_order=True)
        yield Request("/api/v1/query_range", {"query": many, "start": end - 30, "end": end, "step": 15}, any_order=True)
        many = " or ".join(f"rate(a_gauge[{i + 1}m])" for i in range(count))
        yield Request("/api/v1/query", {"query": many, "time": end}, any_order=True)
        yield Request("/api/v1/query", {"query": many + " or " + " or ".join(f"quantile({i + 2}, a_gauge)" for i in range(count)), "time": end}, any_order=True)
    for stats in ("all", "true", "1", "x<y"):
        for query in ("1", "a_gauge", "sum(a_gauge)", "rate(b_requests_total[1m])", "a_gauge + a_gauge", "a_gauge[20s]",
                      "max_over_time(a_gauge[1m:10s])", "nobody", "vector(1)", "sum(rate(b_requests_total[30s])) by (code)"):
            yield Request("/api/v1/query", {"query": query, "time": end, "stats": stats}, any_order=True)
            yield Request("/api/v1/query_range", {"query": query, "start": end - 60, "end": end, "step": 15, "stats": stats}, any_order=True)
    yield Request("/api/v1/query", [("query", "1"), ("query", "2"), ("time", end)])
    yield Request("/api/v1/query?time=1&query=2", {"query": "1", "time": end}, "POST")
    yield Request("/api/v1/query?query=1;time=2")
    yield Request("/api/v1/query?query=%zz")
    yield Request("/api/v1/query", method="POST", body="query=1&time=4", headers={"Content-Type": "text/plain"})
    yield Request("/api/v1/query", method="POST", body="query=1&time=4")
    yield Request("/api/v1/query?query=3&time=4", method="POST", body="query=1", headers={"Content-Type": "multipart/form-data"})
    for origin in ("http://localhost:3000", "null"):
        yield Request("/api/v1/query", {"query": "1", "time": 1}, headers={"Origin": origin})
        yield Request("/api/v1/query", {"query": "(", "time": 1}, headers={"Origin": origin})
        yield Request("/api/v1/query", method="OPTIONS", headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
    for query in ("a_gauge", "1", "(", ""):
        for params in ({}, {"start": end, "end": end - 1}, {"start": "x"}, {"start": end - 10, "end": end}):
            yield Request("/api/v1/query_exemplars", {"query": query, **params})
    yield Request("/api/v1/query_exemplars", {"query": "a_gauge"}, "POST")


def selections(world):
    end = world.end
    matches = [["a_gauge"], ["a_gauge", "om_size_bytes"], ['{l="x"}'], ['{__name__=~"a.*|b.*"}'], ["b_requests_total", 'b_requests_total{code="200"}'],
               ["nobody"], ['{"e.utf8"}'], ['{l=""}'], ["{"], ["a_gauge", "{"], ["a_gauge[5m]"], ["sum(a_gauge)"], [""], ["{}"], ['{l!="",l!="x"}'],
               ['{l=~"("}'], ["a_gauge offset 5m"], ["a_gauge @ 1"]]
    times = [{}, {"start": end - 30, "end": end}, {"start": 0, "end": 1}, {"start": end}, {"end": "x"}, {"start": "y"}, {"start": end, "end": 1}]
    own = '{job=~".+",__name__!~"up|scrape_.*|.*:.*|fails"}'  # the report series and rules of each server are its own
    for path in ("/api/v1/series", "/api/v1/labels", "/api/v1/label/l/values", "/api/v1/label/__name__/values", "/api/v1/label/le/values"):
        for match in matches:
            yield Request(path, [("match[]", m) for m in match], any_order=True)
        for span in times:
            yield Request(path, [("match[]", own), *span.items()], any_order=True)
        for limit in ("0", "1", "3", "x", "-1", "1000"):
            yield Request(path, [("match[]", "b_requests_total"), ("limit", limit)], any_order=True)
        yield Request(path, [("match[]", "b_requests_total"), ("limit", "1"), ("start", "x")])
        yield Request(path, [("match[]", "a_gauge")], "POST", any_order=True)
        yield Request(path)
    for name in ("job", "nobody", "U__l_2e_m", "l.m", "U__", "U__l_2e_", "U__l_2E_m", "a%20b", "%ff", "__name__", "U__a__b", "%2F", "U___10ffff_"):
        yield Request(f"/api/v1/label/{name}/values", [("match[]", own)])
    yield Request("/api/v1/labels", [("match[]", own)])


def pages(world):
    end = world.end
    for state in ("", "active", "dropped", "any", "ACTIVE", "x"):
        for pool in ("", "om", "nobody"):
            yield Request("/api/v1/targets", {"state": state, "scrapePool": pool}, any_order=True)
    yield Request("/api/v1/targets")
    for params in ({}, {"metric": "a_gauge"}, {"metric": "om_size_bytes"}, {"metric": "om_build"}, {"metric": "om_build_info"},
                   {"match_target": '{job="om"}'}, {"match_target": '{job="nobody"}'}, {"match_target": "{"}, {"limit": "x"}, {"limit": "1"}, {"limit": "-1"},
                   {"metric": "c_seconds", "match_target": '{job=~"t.*"}'}, {"metric": "c_seconds_bucket"}, {"metric": "b_requests_total"},
                   {"metric": "b_requests"}, {"metric": "up"}, {"metric": "e.utf8"}, {"metric": "d_odd"}):
        yield Request("/api/v1/targets/metadata", params, any_order=True)
        yield Request("/api/v1/metadata", params, any_order=True)
    for params in ({"limit": "0"}, {"limit_per_metric": "1"}, {"limit_per_metric": "0"}, {"limit_per_metric": "x"}, {"limit": "1.5"}):
        yield Request("/api/v1/metadata", params, any_order=True)
    for params in ([], [("type", "alert")], [("type", "record")], [("type", "RECORD")], [("type", "x")], [("rule_name[]", "two:constant")],
                   [("rule_name[]", "nobody")], [("rule_name[]", "Never"), ("exclude_alerts", "1")],
                   [("type", "alert"), ("exclude_alerts", "f")], [("match[]", '{alertname="Never"}')], [("match[]", '{team=~".+"}')], [("rule_group[]", "g<2>")], [("rule_group[]", "numbers"), ("rule_group[]", "g<2>")],
                   [("file[]", "x")], [("match[]", '{team="a<b>&c"}')], [("match[]", '{of="group"}')], [("match[]", '{a="b"}')], [("match[]", "{")],
                   [("match[]", '{a=""}')], [("group_limit", "1")], [("group_limit", "0")], [("group_limit", "-1")], [("group_limit", "x")],
                   [("group_limit", "2")], [("group_limit", "99999999999")], [("group_next_token", "x")], [("group_limit", "1"), ("group_next_token", "x")],
                   [("exclude_alerts", "true")], [("exclude_alerts", "x")], [("exclude_alerts", "T")], [("match[]", '{__name__="one:constant"}')]):
        yield Request("/api/v1/rules", params)
    for path in ("alerts", "alertmanagers", "scrape_pools", "scrape_pools/config", "scrape_pools/config?scrapePool=nobody",
                 "scrape_pools/config?scrapePool=om", "status/walreplay", "status/tsdb/blocks", "notifications", "features", "status/config",
                 "status/flags", "status/runtimeinfo", "status/buildinfo", "status/tsdb", "status/tsdb?limit=0", "status/tsdb?limit=x",
                 "status/tsdb?limit=10001", "search/metric_names", "search/label_names", "search/label_values", "nosuch", "", "query/", "/query?query=1"):
        yield Request("/api/v1/" + path)
    for path in ("admin/tsdb/delete_series", "admin/tsdb/clean_tombstones", "admin/tsdb/snapshot", "write", "otlp/v1/metrics", "search/metric_names",
                 "targets", "rules", "status/config", "nosuch", "label/l/values", "federate"):
        yield Request("/api/v1/" + path, method="POST")
    for method in ("PUT", "DELETE", "HEAD", "PATCH"):
        for path in ("/api/v1/query", "/api/v1/targets", "/api/v1/nosuch", "/api/v1/admin/tsdb/snapshot", "/federate", "/api/v1/write"):
            yield Request(path, method=method)
    for path in ("/nosuch", "/api/v1", "/federate/", "/api", "/api/v2/query"):
        yield Request(path)
    yield Request("/api/v1/query", {"query": "a_gauge", "time": end}, headers={"Accept": "text/html"})
    yield Request("/api/v1/query", {"query": "{__name__=~\"a.*|b.*\"}", "time": end}, headers={"Accept-Encoding": "gzip"}, any_order=True)
    yield Request("/api/v1/query_range", {"query": "{__name__=~\"a.*|b.*\"}", "start": end - 100, "end": end, "step": 5},
                  headers={"Accept-Encoding": "deflate"}, any_order=True)


def federation(world):
    text = ["", "text/plain", "text/plain;version=0.0.4", "text/plain;version=0.0.4;escaping=allow-utf-8", "text/plain;escaping=dots", "*/*",
            "text/plain;escaping=values", "text/plain;escaping=underscores", "text/html", "text/html;escaping=values,text/plain;q=0.5", "text/*;q=0.1",
            "text/plain;version=9", "text/plain;escaping=nonsense"]
    for accept in text:
        yield Request("/federate", [("match[]", '{"e.utf8"}'), ("match[]", "a_gauge")], headers={"Accept": accept} if accept else {})
    for match in (["a_gauge"], ["b_requests_total", "a_gauge"], ['{__name__=~"c_.*"}'], ["d_odd"], ["nobody"], [], ["{"], ["a_gauge", "{"], ['{l="x"}', "a_gauge"],
                  ["om_size_bytes"], ["sum(a_gauge)"], ['{job="text",__name__!~"up|scrape_.*"}'], ["om_build_info"]):
        yield Request("/federate", [("match[]", m) for m in match])
    yield Request("/federate", [("match[]", '{job="text",__name__!~"up|scrape_.*"}')], headers={"Accept-Encoding": "gzip"})
    yield Request("/federate", [("match[]", "a_gauge")], headers={"Origin": "http://x"})


def long_expressions(expressions, count=3000, seed=1):
    """Small expressions put together until lines have to be broken."""
    rng = random.Random(seed)
    vectors = ["some_metric_of_a_service_seconds_bucket", 'http_requests_total{code=~"5..",handler!="/health"}', "up", 'a{b="c"}']
    wraps = ["sum by (instance, job) (V)", "({V})", "-V", "V + on (instance, job) group_left (version) W", "V or W", "topk(5, V)",
             "histogram_quantile(0.99, sum without (pod) (V))", "max_over_time((V)[5m:30s] offset 1h)", "V >bool W", "clamp(V, 1, 100)",
             "label_replace(V, \"target\", \"$1\", \"source\", \"(.*)\")", "+V", "avg(V) without (a)", "(V)", "V ^ W", "rate(up[5m]) / (V)", "round(V, 5)",
             "quantile_over_time(scalar(V), (W)[1h:])", "count_values(\"v\", V)", "V unless ignoring (a, b) W", "absent(V)", "sum((V) * 2)"]
    for _ in range(count):
        pool = list(rng.sample(expressions, min(4, len(expressions)))) if expressions and rng.random() < 0.4 else []
        text = rng.choice(pool + vectors)
        for _ in range(rng.randint(1, 7)):
            other = rng.choice(vectors)
            text = rng.choice(wraps).replace("{V}", "V").replace("W", "\0").replace("V", text).replace("\0", other)
        yield text


def durations():
    return ["a[5m] offset -1h", "a offset (5m + 1)", "a[step()]", "a[range() * 2:min_of(1m, step())] @ start()", "a[-(5m)]", "a[(5)]", "a[+5m]", "a[5m:1m] @ 12.5",
            "a offset -step()", "a[1h:] offset 5", "a[2 ^ 3]", "a[max_of(step(), 5m) % 7]", "sum_over_time(a[5m + (1m - 30s)] @ end() offset -(1 + 2))", "a[--5]"]


def formatting(files):
    expressions = []
    for name in files:
        with open(name, encoding="utf-8") as lines:
            for line in lines:
                line = line.rstrip("\n")
                expressions.append(json.loads(line)["expr"] if line.startswith("{\"") else line)
    for text in [*instant_queries(), *expressions, *durations(), *long_expressions(expressions)]:
        yield Request("/api/v1/format_query", {"query": text}, "POST")
    # As they are, and inside what has positions, signs and parts of its own.
    for text in [*instant_queries(), *expressions, *durations()]:
        yield Request("/api/v1/parse_query", {"query": text}, "POST")
    for text in long_expressions(expressions, 500, 2):
        yield Request("/api/v1/parse_query", {"query": text}, "POST")
    yield Request("/api/v1/format_query", {"query": "sum  (up) # why\n + 1"})


def everything(world, files):
    return [*queries(world), *selections(world), *pages(world), *federation(world), *formatting(files)]
