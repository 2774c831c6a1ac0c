"""Does this repository's own gate see planted faults in the bundled model's clips?

    make gate && python tests/perf/gate.py

Spoils the clips of runs/gate (tests/gate/planted.py says how), scores them as `make gate` does, and gates them by
.ci/gate: prints the verdict, the exit code, and what has failed. The untouched clips are encoded once more, too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "gate"))

from planted import Noisy, Shifted, Silent, Truth  # noqa: E402

from avbench.media.mux import write  # noqa: E402
from avbench.validation.footage import load  # noqa: E402

RUN, RULES = ROOT / "runs" / "gate", ROOT / ".ci" / "gate"
FAULTS = {"untouched": Truth, "sound 0.4 s late": Shifted, "grain over the picture": Noisy, "no sound": Silent}


def avbench(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "avbench", *map(str, words)], capture_output=True, text=True, check=False
    )


def main(folder: Path) -> None:
    info = json.loads((RUN / "run.json").read_text(encoding="utf-8"))
    metrics = info["command"][info["command"].index("--metrics") + 1]
    for number, (name, fault) in enumerate(FAULTS.items()):
        clips, out = folder / f"clips{number}", folder / f"run{number}"
        clips.mkdir()
        for path in sorted((RUN / "clips" / "harmony" / "prompts").glob("*.mp4")):
            write(clips / f"{path.stem.rpartition('_s')[0]}.mp4", fault().spoil(load(path)))
        asked = ("--suite", RULES / "prompts.jsonl", "--model", "harmony", "--metrics", metrics)
        scored = avbench("score", clips, *asked, "--out", out)
        if scored.returncode:
            sys.exit(scored.stderr)
        done = avbench("gate", out, "--baseline", RULES / "baseline.json", "--config", RULES / "gate.toml", "--json")
        found = json.loads(done.stdout)
        failed = [f"{check['kind']} {check['name']}" for check in found["checks"] if check["verdict"] == "fail"]
        print(
            f"{name}: {found['verdict']}, exit {done.returncode}{': ' if failed else ''}{', '.join(failed)}", flush=True
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
