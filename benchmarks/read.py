"""How many sentences a second the rules read, on one core, with and without a denial."""

import json
import time

from omninegclip.reading.rules import RulesReader
from omninegclip.scenes.grammar import affirmative
from omninegclip.scenes.negation import NAMING, affirmed_part, negate
from omninegclip.scenes.objects import KINDS
from omninegclip.scenes.scene import rng, sample_scene

COUNT = 5000


def main() -> None:
    random = rng("benchmarks", "read")
    scenes = [sample_scene(random) for _ in range(COUNT)]
    sentences = {
        "plain": [affirmative(random, scene, remarks=False).text for scene in scenes],
        "negated": [
            negate(
                random, affirmed_part(random, scene, scene.kinds), random.choice(KINDS), random.choice(NAMING)
            ).text
            for scene in scenes
        ],
    }
    reader, rates = RulesReader(), {}
    reader.read(sentences["negated"])  # fills what is kept of single words
    for name, texts in sentences.items():
        start = time.process_time()
        reader.read(texts)
        rates[f"{name}_per_second"] = round(len(texts) / (time.process_time() - start))
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
