"""Prints trips per month of a box: python examples/ask.py http://127.0.0.1:8000

Needs nothing but Python. A token is read from the variable TRIPGRAPH_TOKEN.
"""

import json
import os
import sys
import urllib.request
from collections import Counter

QUERY = """query ($box: BoundingBox!) {
  weeklyAverage(bbox: $box, fromWeek: "2018-01-01", toWeek: "2018-03-31") {
    average
    weeks { week trips }
  }
}"""
BOX = {"west": 14.3, "south": 50.0, "east": 14.5, "north": 50.1}


def ask(server, query, variables):
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("TRIPGRAPH_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{server}/graphql", body, headers)
    with urllib.request.urlopen(request) as response:
        result = json.load(response)
    if "errors" in result:
        raise SystemExit(result["errors"][0]["message"])
    return result["data"]


average = ask(sys.argv[1], QUERY, {"box": BOX})["weeklyAverage"]
months = Counter()
for week in average["weeks"]:
    # A week belongs to the month of its Monday.
    months[week["week"][:7]] += week["trips"]
for month, trips in months.items():
    print(month, trips)
print(f"average: {average['average']:.2f} trips per week")
