"""``dlq export``: a trained model as one web page with a slider for each latent."""

from pathlib import Path

from dlq.cli.arguments import Counts, File, Flag, Folder, Name, Run

EXAMPLES = """\
  dlq export runs/first --html page.html
  dlq export runs/first --html page.html --title "What the latents mean" --image 42
  dlq export qlae-rooms
  dlq export qlae-rooms --grid decoder --dir site/rooms"""


def export(
    run: Run,
    /,
    *,
    html: File = None,
    dir: Folder = None,
    grid: Name = None,
    title: Name = None,
    image: int = 0,
    anchors: Counts = None,
    num_samples: int = 10_000,
    data: Name = None,
    sizes: Counts = None,
    overwrite: Flag = False,
) -> int:
    """Writes one self-contained page: it needs no kernel and no network, and opens from a disk.

    Args:
        run: a folder that `dlq train` or dlq.save made, or the name of a model that comes with dlq
        html: the page to write (default: the run's name with .html, in the current folder)
        dir: write a folder for a web server instead: index.html with script, style, state and pictures
        grid: what the page can show: star (one slider moved), pairs, full, or decoder (any code, drawn in the page)
        title: the page's title
        image: number of the image that the sliders start from
        anchors: numbers of more images, to be chosen in the page
        num_samples: how many images are encoded, to find ranges and mark codes that do not occur
        data: other data than the run's own: rooms, sprites, faces, digits, or a file
        sizes: number of values of each factor of --data
        overwrite: replace a file that dlq did not export
    """
    import torch

    from dlq.cli.runs import open_run
    from dlq.evaluation import encode
    from dlq.export import verify_export
    from dlq.widgets import Traversal

    if html is not None and dir is not None:
        raise ValueError(f"--html {html} asks for one file and --dir {dir} for a folder; give one of them")
    model, dataset, name = open_run(run, data=data, sizes=sizes)
    for option, number in [("--image", image), *(("--anchors", each) for each in anchors or ())]:
        if not 0 <= number < len(dataset):
            raise ValueError(f"there is no image {number}; give {option} a number from 0 to {len(dataset) - 1}")
    rows = dataset.sample(min(num_samples, len(dataset)), torch.Generator().manual_seed(0))
    view = Traversal(model, dataset.images[image], latents=encode(model, dataset, rows=rows))
    more = [dataset.images[number] for number in anchors or ()]
    said = title or f"Latent traversal: {name}"
    if dir is not None:
        path = view.to_dir(dir, title=said, grid=grid, anchors=more, overwrite=overwrite)
    else:
        path = view.to_html(
            html or Path(f"{Path(run).name}.html"), title=said, grid=grid, anchors=more, overwrite=overwrite
        )
    if model.codebook is not None and len(rows) < len(dataset):
        print(f"codes that do not occur in {len(rows):,} of the {len(dataset):,} images are marked as unseen")
    found = verify_export(path)
    form = f"a folder of {len(found.files) + 1} files that needs" if dir is not None else "one file that needs"
    print(f"wrote {path}: {found.size / 1e6:.2f} MB, {form} no kernel and no network")
    return 0
