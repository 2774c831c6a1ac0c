"""What `avbench validate` found (validate.json), as figures: which faults each column tells, and how it responds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANSWERS = ("worse", "rises", "falls", "refuses")  # promises that a curve can show; "ignores" is a flat line
CURVES = 8  # faults drawn of one column: as many as there are colours


def figures_of(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Figures in the form of figures.json: a heat map, and a figure a column with the faults it promises to answer.

    Raises KeyError or TypeError where the record is something else.
    """
    columns = [column for column in record["columns"] if column["responses"]]
    made = {response["fault"] for column in columns for response in column["responses"] if response["points"]}
    faults = [fault for fault in record["faults"] if fault in made]
    told = [[_strongest(column, fault) for fault in faults] for column in columns]
    names = [f"{column['name']} [{column['backend']}]" for column in columns]
    heat = {
        "title": "How well each column tells the strongest fault from a clean clip (AUC; 0.5 is chance)",
        "y_label": "column",
        "rows": names,
        "columns": faults,
        "values": told,
    }
    curves = [_curves(name, column) for name, column in zip(names, columns, strict=True)]
    return [heat, *(curve for curve in curves if curve["series"])]


def _curves(name: str, column: Mapping[str, Any]) -> dict[str, Any]:
    promised = [response for response in column["responses"] if response["promise"] in ANSWERS and response["points"]]
    series = [
        {
            "name": f"{response['fault']}: {response['promise']}, {response['verdict']}",
            "x": list(range(1, len(response["points"]) + 1)),
            "y": [point["auc"][0] for point in response["points"]],
        }
        for response in promised[:CURVES]
    ]
    labels = {"x_label": "step of the fault", "y_label": "AUC, spoilt against clean"}
    return {"title": name, **labels, "y_range": [0, 1], "series": series}


def _strongest(column: Mapping[str, Any], fault: str) -> float | None:
    for response in column["responses"]:
        if response["fault"] == fault and response["points"]:
            found: float | None = response["points"][-1]["auc"][0]
            return found
    return None
