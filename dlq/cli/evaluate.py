"""``dlq evaluate``: the scores of a trained model on the data that it was trained on, or on others."""

import json as json_text

from dlq.cli.arguments import Counts, Flag, Name, Run

EXAMPLES = """\
  dlq evaluate runs/first
  dlq evaluate runs/first --json > scores.json
  dlq evaluate runs/first --data rooms --sizes 5 5 5 4 4 5    on rooms with other shapes"""


def evaluate(
    run: Run,
    /,
    *,
    num_samples: int = 10_000,
    seed: int = 0,
    json: Flag = False,
    data: Name = None,
    sizes: Counts = None,
    device: Name = None,
) -> int:
    """Scores a trained model: InfoMEC, PSNR, and for each factor the latent that says most about it.

    Args:
        run: a folder that `dlq train` or dlq.save made, or the name of a model that comes with dlq
        num_samples: how many images are drawn, without replacement
        seed: of the draw
        json: print JSON and nothing else
        data: other data than the run's own: rooms, sprites, faces, digits, or a file
        sizes: number of values of each factor of --data
        device: cpu, cuda, cuda:1, mps (default: the fastest there is)
    """
    from dlq import evaluation
    from dlq.cli.runs import open_run
    from dlq.cli.scores import as_record, in_short, table

    model, dataset, title = open_run(run, data=data, sizes=sizes, device=device)
    scores = evaluation.evaluate(model, dataset, num_samples=num_samples, seed=seed)
    if json:
        print(json_text.dumps({"run": run, "what": title, **as_record(scores)}, indent=1))
        return 0
    print(f"{run}: {title}, {scores.num_images:,} of {scores.num_available:,} images\n")
    print(table(scores))
    print(f"\n{in_short(scores)}. Next: dlq export {run} --html page.html")
    return 0
