"""The queries of the page about integrity across units run, and find what they are there to find."""

import re
from datetime import timedelta
from pathlib import Path

from schemas.rows import Table
from sinks.clickhouse import ClickHouse
from tests.sinks.fleets import answers, put
from tests.sinks.loyalty import MONDAY, response
from tests.sinks.rows import rows

PAGE = Path(__file__).parents[2] / "docs" / "integrity" / "across.md"


def test_the_queries_find_a_gamed_unit_and_a_ring(clickhouse: ClickHouse) -> None:
    units = {f"u{number:02}": (200, 80 + number % 9, 130 + number % 7) for number in range(30)}
    gamed = {**units, "u00": (200, 150, 160)}
    put(clickhouse, dict.fromkeys(units, "peers"))
    for day in range(40):
        # Five answers a day each, so that those of a day being alike does not count for much.
        answers(
            clickhouse,
            {unit: (5, top // 40 + (day < top % 40), two // 40 + (day < two % 40)) for unit, (_, top, two) in gamed.items()},
            day=MONDAY - timedelta(day),
        )
    known = {"channel": "app", "day": MONDAY, "metric": "nps", "top_box": True, "contact_hash": None}
    facts = [{**known, "account_id": f"a{n}", "response_id": f"r{n}", "device_hash": f"d{n}", "unit_id": "u01"} for n in range(1000)]
    facts += [{**known, "account_id": f"b{n}", "response_id": f"s{n}", "device_hash": "ring", "unit_id": f"u{n % 3:02}"} for n in range(12)]
    clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, *map(_counted, facts)))

    block = re.search(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block
    funnel, last_days, first_day, rings = (clickhouse.query(sql).to_pylist() for sql in filter(str.strip, block[1].split(";\n")))
    assert [(row["unit_id"], row["rate"]) for row in funnel] == [("u00", 0.75)]
    assert [row["unit_id"] for row in last_days] == ["u00"]
    assert [(row["unit_id"], row["first_day"], row["e_value"] > row["e_value_needed"]) for row in first_day] == [
        ("u00", MONDAY - timedelta(39), True)
    ]
    assert [(row["hash"], row["accounts"], len(row["response_ids"])) for row in rings] == [("ring", 12, 12)]


def _counted(values: dict[str, object]) -> dict[str, object]:
    return dict(response(**values))
