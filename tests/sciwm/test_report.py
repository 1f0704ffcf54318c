"""The page of a run: everything in one file, every number from the run, nothing invented where a stage has not run."""

import base64
import io
import json
import re
import runpy
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.image import imread

from sciwm.config import CollapseSettings, Config, dump_config
from sciwm.data import Trajectories
from sciwm.errors import InputError
from sciwm.evaluation import CONTROLLERS, ControlTask, control_task, imagine_control, run_control, summarize_control
from sciwm.evaluation.suite import measure_rollouts
from sciwm.evaluation_parts import EVALUATION_PARTS
from sciwm.files import write_json, write_netcdf
from sciwm.loss.collapse import build_collapse
from sciwm.loss.terms import TERMS
from sciwm.model import WorldModel, load_model, save_model
from sciwm.report import drawing, summary_table, training_figures, write_report
from sciwm.report.contents import read_results
from sciwm.report.numbers import in_html, in_mathtext, in_text
from sciwm.report.result_table import measures
from sciwm.report.training_figures import count_updates
from sciwm.training import train

EXAMPLE = Path(__file__).parents[2] / "examples" / "analyse_control.py"
PROVENANCE = {
    "training_sets": [{"name": "train.zarr", "simulations": 24}, {"name": "on_policy_1.zarr", "simulations": 7}]
}
TRAINED = ("one_step", "rollout", "variance", "covariance", "heads_encoded", "heads_rolled", "budget")
HISTORY = [
    {"phase": phase, "update": update, "held_out.error": 0.5 / (1 + 3 * phase + update)}
    | {f"train.{name}": 0.3 / update for name in TRAINED}
    | {f"gradient_norm.{name}": 1 / len(TRAINED) for name in TRAINED}
    for phase, update in [(0, 4), (0, 8), (0, 12), (1, 4), (1, 6)]
]


def feedback(task: ControlTask, gain: float) -> Callable[..., Any]:
    """Jets that blow against the flow above them, in place of a planner that takes its time."""
    shapes = torch.tensor(task.simulation.forcing_shapes[:, 0], dtype=torch.float32)
    return lambda: lambda fields, interval: -gain * fields[:, 0] @ shapes.T


@pytest.fixture(scope="module")
def results(
    make_config: Callable[..., Config],
    training_set: Trajectories,
    validation_set: Trajectories,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """What the stages of a tiny run would write."""
    config = make_config(evaluation={"lyapunov_exponent": 0.048}, training={"updates": 4})
    folder = tmp_path_factory.mktemp("trained")
    train(config, folder, [training_set], validation_set)
    model, _ = load_model(folder)
    task = control_task(config)
    gains = dict(zip(CONTROLLERS, (0.0, 0.3, 0.1, 0.2, 0.4), strict=True))
    controlled = run_control(task, {n: feedback(task, g) for n, g in gains.items()}, lambda steps, _: steps)
    controlled["seconds_per_decision"].loc[{"controller": "world_model"}] = 0.125
    controlled = controlled.merge(imagine_control(task, model, lambda steps, _: steps), join="outer")
    controlled = controlled.assign_attrs(sciwm_config=config.model_dump_json())
    rollouts, metrics = measure_rollouts(config, model, validation_set)
    metrics |= {"control": summarize_control(controlled, config), "time": {"simulate": 1.5, "on_policy_1": 2.25}}
    return {"config": config, "model": model, "controlled": controlled, "rollouts": rollouts, "metrics": metrics}


def write_run(run: Path, results: dict[str, Any]) -> Path:
    """The files of a run folder."""
    run.mkdir(exist_ok=True)
    (run / "config.yaml").write_text(dump_config(results["config"]))
    save_model(run, results["model"], results["config"], PROVENANCE)
    (run / "metrics.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in HISTORY))
    write_json(run / "report" / "metrics.json", results["metrics"])
    write_netcdf(run / "evaluation/rollouts.nc", results["rollouts"])
    write_netcdf(run / "controlled.nc", results["controlled"])
    return run


@pytest.fixture(scope="module")
def finished(results: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with its report."""
    run = write_run(tmp_path_factory.mktemp("runs") / "tiny", results)
    write_report(run)
    return run


@pytest.fixture
def run(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to spoil, whose figures are drawn small."""
    monkeypatch.setattr(drawing, "DENSITY", 40)
    return Path(shutil.copytree(finished, tmp_path / "tiny", ignore=shutil.ignore_patterns("index.html", "figures")))


def page_of(run: Path) -> str:
    return write_report(run).read_text()


def images_of(page: str) -> list[bytes]:
    return [base64.b64decode(found) for found in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]


# One file -------------------------------------------------------------------------------------


def test_page_needs_nothing_else(finished: Path) -> None:
    page = (finished / "report" / "index.html").read_text()
    without_scripts = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    addresses = re.findall(r"""(?:src|href|action|data|srcset)\s*=\s*["']?([^"'\s>]+)""", without_scripts)
    assert sum(address.startswith("data:") for address in addresses) == 6
    assert all(address.startswith(("data:", "#")) for address in addresses)
    without_images = re.sub(r"base64,[^\"]+", "", page)
    for forbidden in ("http://", "https://", "//cdn", "<script src", "@import", "url(", "file:", "fetch(", "import("):
        assert forbidden not in without_images
    assert str(finished) not in page  # nobody's folders


def test_figures_are_whole_images_and_the_same_in_the_folder(finished: Path) -> None:
    images = images_of((finished / "report" / "index.html").read_text())
    files = sorted((finished / "report" / "figures").iterdir())
    names = ["controlled_flow_u", "distance_over_time", "error_over_lead_time", "imagined_u", "training"]
    assert [f.name for f in files] == [f"{name}.png" for name in names]
    assert sorted(images) == sorted(f.read_bytes() for f in files)
    for image in images:
        pixels = imread(io.BytesIO(image), format="png")
        assert pixels.shape[1] > 1800  # twice the width it is shown at
        assert pixels[..., :3].std() > 0.02  # something is drawn
        edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert np.all(edge[:, :3] == 1)  # and nothing is cut off


def test_report_is_the_same_whenever_it_is_written_and_leaves_no_trace(run: Path) -> None:
    settings = dict(matplotlib.rcParams)
    first, second = (re.sub(r"<time.*</time>", "", page_of(run)) for _ in range(2))
    assert first == second
    assert dict(matplotlib.rcParams) == settings
    assert not list(run.rglob("*.tmp"))


# Every number from the run --------------------------------------------------------------------


def test_numbers_are_those_of_the_files(finished: Path, results: dict[str, Any]) -> None:
    page = (finished / "report" / "index.html").read_text()
    control, rollout = results["metrics"]["control"], results["metrics"]["rollout"]
    numbers = [rollout["nrmse"][-1], rollout["nrmse_persistence"][-1], rollout["valid_prediction_time"], 0.125]
    for name in CONTROLLERS:
        numbers += [control["mean_square_first_2"][name], *control["mean_square_first_2_interval"][name]]
        numbers += [control[f"mean_square_{part}"][name] for part in ("final", "final_worst", "action")]
    for number in numbers:
        assert in_html(number) in page
    description = json.loads((finished / "model.json").read_text())
    for text in (
        description["sha256"],
        torch.__version__,
        "<b>31 simulations</b>",
        "Kuramoto-Sivashinsky",
        "on policy 1",
    ):
        assert text in page
    assert "domain_extent: 22.0" in page.partition("<details>")[2].partition("</details>")[0]


def test_code_on_the_page_runs(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (finished / "report" / "index.html").read_text()
    code = page.partition("<pre><code>")[2].partition("</code></pre>")[0].replace("&#34;", '"')
    monkeypatch.chdir(finished.parent)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102
    assert names["forecast"]["u"].shape == names["episode"]["u"].shape
    names["episode"].close()


def test_episodes_that_blew_up_are_told(run: Path, results: dict[str, Any]) -> None:
    controlled = results["controlled"].copy(deep=True)
    lost = {"controller": "lqr", "episode": 2}
    for name in ("u", "distance", "energy"):
        controlled[name].loc[lost] = controlled[name].loc[lost].where(controlled["time"] < 1.0)
    write_netcdf(run / "controlled.nc", controlled)
    assert f"Under the controller <i>{CONTROLLERS['lqr']}</i>, 1 of 4 episodes blew up." in page_of(run)


def test_runs_that_blew_up_to_huge_numbers_are_drawn_without_a_warning(run: Path, results: dict[str, Any]) -> None:
    """Their squares are infinite, in single precision and in double; warnings are errors here."""
    spoilt = dict(results)
    for part in ("controlled", "rollouts"):
        ds = results[part].copy(deep=True)
        for name in (str(n) for n in ds.data_vars if n != "action" and "time" in ds[n].dims):
            huge = (-1 if name.endswith("_imagined") else 1) * np.finfo(ds[name].dtype).max / 3
            ds[name] = ds[name].where(ds["time"] <= 1.0, huge)
        spoilt[part] = ds
    assert "blows up" in page_of(write_run(run, spoilt))


def test_other_variables_dimensions_and_no_functionals(run: Path, results: dict[str, Any]) -> None:
    config = results["config"].model_copy(
        update={"evaluation": results["config"].evaluation.model_copy(update={"lyapunov_exponent": None})}
    )
    trained = results["model"].domain
    height = replace(trained.variables[0], name="h", long_name="height", units="m")
    radius = replace(trained.axes[0], name="r", units="km")
    domain = replace(trained, variables=(height,), axes=(radius,), functionals=())
    metrics = json.loads(json.dumps(results["metrics"]))
    renamed = {
        "config": config,
        "model": WorldModel(config.model, domain),
        "controlled": results["controlled"].rename(u="h", u_imagined="h_imagined", x="r"),
        "rollouts": results["rollouts"].rename(u="h", u_imagined="h_imagined", x="r"),
        "metrics": metrics,
    }
    page = page_of(write_run(run, renamed))
    assert "grid values of the height" in page
    assert "no functionals" in page
    assert (run / "report" / "figures" / "controlled_flow_h.png").exists()


def of_training(names: Iterable[str]) -> list[dict[str, Any]]:
    """Two epochs of a training with these terms."""
    measured = {f"{kind}.{name}": 0.5 for name in names for kind in ("train", "gradient_norm")}
    bookkeeping = {"train.exploded": 0.5, "train.physics_at_encoder": 1.0, "train.physics_at_predictor": 1.0}
    return [{"phase": 0, "update": update, "held_out.error": 0.5} | bookkeeping | measured for update in (1, 2)]


@pytest.mark.parametrize("kind", ["vicreg", "sigreg", "visreg", "ema_target"])
def test_every_term_of_the_objective_is_drawn(model: WorldModel, kind: Any) -> None:
    """Under a label and a colour that no other term of the same training has, also one that the page does not know."""
    latents, generator = torch.randn(16, model.latent_size), torch.Generator().manual_seed(0)
    member = build_collapse(CollapseSettings(kind=kind), model.encoder)
    against_collapse = {*member.penalties(latents, generator), *member.completion(latents, latents)}
    names = {"made_up", "reconstruction", *against_collapse, *(term.name for term in TERMS)}
    drawn = training_figures.drawn_terms(of_training(names))
    assert sorted(drawn) == sorted(names)
    assert training_figures.label_of("made_up") == "made up"
    assert len({training_figures.label_of(name) for name in names}) == len(names)
    assert len(set(training_figures.COLOURS)) >= len(names)
    physical = [term.name for term in TERMS if term.group == "physics"]
    assert drawn[-len(physical) :] == physical


def test_what_is_drawn_of_the_training(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every term has its line, its share and its place in the legend; one that is always zero has none of them."""
    figures: list[Figure] = []
    monkeypatch.setattr(training_figures, "illustrate", lambda figure, *_: figures.append(figure))
    names = ["one_step", "variance", "made_up", "budget", "twins"]
    history = of_training(names)
    history[1] |= {"train.sigreg": 0.0, "gradient_norm.sigreg": 0.0, "gradient_norm.made_up": 1.5}
    for key in ("train.twins", "gradient_norm.twins"):
        history[1].pop(key)  # its samples were not drawn then
    training_figures.training(replace(read_results(run), history=history))
    _, terms, shares = figures[0].axes
    legend = terms.get_legend()
    assert legend is not None
    drawn = ["one step", "twins", training_figures.label_of("variance"), "made up", "budget"]
    assert [text.get_text() for text in legend.get_texts()] == drawn
    assert [line.get_label() for line in terms.get_lines()] == drawn
    assert len(shares.collections) == len(drawn)
    (line,) = shares.get_lines()
    np.testing.assert_allclose(line.get_ydata(), [0.8, 2.5 / 3])  # all but the budget


def test_training_of_which_only_updates_are_known(run: Path) -> None:
    figure = training_figures.training(replace(read_results(run), history=[{"phase": 0, "update": 1}]))
    assert figure.png.startswith(b"\x89PNG")


def test_empty_panels_are_not_drawn(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that stayed as least squares made it has no course; one without terms has the panel of its error."""
    least_squares = {"phase": 0, "update": 0, "held_out.error": 0.9, "gradient_norm.one_step": 0.0}
    assert not training_figures.is_a_course([least_squares])
    assert training_figures.is_a_course([least_squares, least_squares | {"update": 4}])
    figures: list[Figure] = []
    monkeypatch.setattr(training_figures, "illustrate", lambda figure, *_: figures.append(figure))
    training_figures.training(replace(read_results(run), history=[least_squares, least_squares | {"update": 4}]))
    assert len(figures[0].axes) == 1


def test_caption_of_the_training_tells_of_weights_and_sensitivities(run: Path) -> None:
    results = read_results(run)
    without, with_twins = (
        training_figures.training(replace(results, history=of_training(names))).caption
        for names in (["one_step"], ["one_step", "twins"])
    )
    assert "penalties against collapse carry theirs" in without
    assert "sensitivities" not in without
    assert "(twins: on the sensitivities that were drawn last)" in with_twins


def test_updates_are_counted_through_all_phases() -> None:
    counts, boundaries = count_updates(HISTORY)
    assert counts.tolist() == [4, 8, 12, 16, 18]
    assert boundaries == [12]


# Stages that have not run ---------------------------------------------------------------------


ALWAYS = {"summary", "evaluation", "provenance"}


def sections(page: str) -> set[str]:
    return set(re.findall(r'<section id="(\w+)"', page))


def test_all_sections_of_a_finished_run(finished: Path) -> None:
    page = (finished / "report" / "index.html").read_text()
    assert sections(page) == ALWAYS | {"player", "control", "rollout", "latent", "training"}
    assert set(re.findall(r'<li><a href="#(\w+)"', page)) == sections(page), "the contents list what is there"
    assert "Not in this report" not in page


def test_run_not_yet_controlled(run: Path) -> None:
    (run / "controlled.nc").unlink()
    page = page_of(run)
    assert sections(page) == ALWAYS | {"rollout", "latent", "training"}
    assert "sciwm control tiny" in page
    assert "Made by <code>sciwm evaluate" not in page
    assert len(images_of(page)) == 3


def test_run_not_yet_evaluated(run: Path) -> None:
    for name in ("controlled.nc", "evaluation/rollouts.nc", "report/metrics.json"):
        (run / name).unlink()
    page = page_of(run)
    assert sections(page) == ALWAYS | {"training"}
    assert "sciwm control tiny" in page
    assert "sciwm evaluate tiny" in page


def test_stage_killed_between_its_files_has_not_run(run: Path, results: dict[str, Any]) -> None:
    metrics = {name: part for name, part in results["metrics"].items() if name != "control"}
    write_json(run / "report" / "metrics.json", metrics)
    assert read_results(run).controlled is None


def test_run_with_nothing_but_a_model(run: Path) -> None:
    for name in ("controlled.nc", "evaluation/rollouts.nc", "report/metrics.json", "metrics.jsonl"):
        (run / name).unlink()
    page = page_of(run)
    assert sections(page) == ALWAYS
    assert images_of(page) == []
    assert all(f"sciwm {stage} tiny" in page for stage in ("train", "evaluate", "control"))


def test_results_of_an_older_version(run: Path, results: dict[str, Any]) -> None:
    """What they lack is left out and told; the rest is shown."""
    write_netcdf(run / "controlled.nc", results["controlled"].drop_vars("u_imagined"))
    write_netcdf(run / "evaluation/rollouts.nc", results["rollouts"].drop_vars("valid_prediction_time"))
    page = page_of(run)
    assert sections(page) == ALWAYS | {"player", "control", "latent", "training"}
    assert "the results lack valid_prediction_time; &#39;sciwm evaluate tiny&#39; measures it anew" in page
    assert "Left out: the imagined flow, which the results do not hold." in page


def test_part_without_rule_and_section_is_shown(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its purpose and its measures; nothing judges it, and other parts are shown as before."""
    before = sections(page_of(run))
    monkeypatch.setitem(EVALUATION_PARTS, "made_up_part", "what nobody has drawn yet")
    write_netcdf(run / "evaluation" / "made_up_part.nc", xr.Dataset({"value": ("sample", [0.25, 0.75])}))
    metrics = json.loads((run / "report" / "metrics.json").read_text())
    measure = {"meaning": "mean of made-up values", "value": 0.5, "interval": [0.25, 0.75], "unit": "m"}
    write_json(run / "report" / "metrics.json", metrics | {"made_up_part": [measure]})
    page = page_of(run)
    assert sections(page) == before | {"made_up_part"}
    section = page.partition('<section id="made_up_part">')[2].partition("</section>")[0]
    assert "<h2>Made up part</h2>\n<p>What nobody has drawn yet.</p>" in section
    assert '<th scope="row">mean of made-up values</th><td>0.500 m</td>\n<td>0.250 to 0.750</td>' in section
    line = page.partition('<th scope="row"><a href="#made_up_part">')[2].partition("</tr>")[0]
    assert "mean of made-up values: <b>0.500 m</b>" in line
    assert '<span class="verdict no-verdict">no verdict</span>\n<span class="small">no threshold is set</span>' in line
    assert "good:" not in line


def test_page_is_well_formed(finished: Path) -> None:
    """Every element that is opened is closed, in order; names are given once."""
    page = (finished / "report" / "index.html").read_text()
    assert page.startswith("<!doctype html>")
    open_elements: list[str] = []
    names: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            names.extend(str(value) for key, value in attrs if key == "id")
            if tag not in {"meta", "link", "img", "input", "br"}:
                open_elements.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_elements.pop() == tag, self.getpos()

    Checker().feed(page)
    assert open_elements == []
    assert len(set(names)) == len(names)


def test_folder_without_a_run_or_a_model(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a run folder with config\.yaml, got none"):
        write_report(tmp_path / "nowhere")
    (run / "model.json").unlink()
    with pytest.raises(InputError, match=r"model\.json: expected a trained model, got nothing there"):
        write_report(run)
    assert not (run / "report" / "index.html").exists()


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("controlled.nc", "control"),
        ("evaluation/rollouts.nc", "evaluate"),
        ("report/metrics.json", "evaluate"),
        ("metrics.jsonl", "train"),
    ],
)
def test_damaged_file_is_named_with_what_to_do(run: Path, name: str, stage: str) -> None:
    (run / name).write_bytes(b"{ nothing that can be read")
    with pytest.raises(InputError, match=rf"{re.escape(name)}.*: expected a readable file.*sciwm {stage} .*tiny"):
        write_report(run)


# For the terminal -----------------------------------------------------------------------------


def test_summary_table_is_aligned_and_complete(results: dict[str, Any]) -> None:
    metrics = results["metrics"]
    table, _, lines = summary_table(metrics).partition("\n\n")
    rows = table.splitlines()
    assert len({len(row) for row in rows}) == 1
    assert "first 2 time units" in rows[0]
    assert [row.partition("   ")[0].strip() for row in rows[2:]] == [CONTROLLERS[n] for n in CONTROLLERS]
    assert in_text(metrics["control"]["mean_square_final"]["lqr"]) in rows[4]
    assert in_text(metrics["rollout"]["valid_prediction_time"]) in lines
    assert len({line.index("  ") for line in lines.splitlines() if line.startswith("valid")}) == 1


def test_summary_table_of_one_stage(results: dict[str, Any]) -> None:
    assert "valid" not in summary_table({"control": results["metrics"]["control"]})
    assert "no control" not in summary_table({"rollout": results["metrics"]["rollout"]})
    assert summary_table({}) == ""


def test_old_words_of_plans_on_two_grids_are_told_in_todays() -> None:
    old = ["share of the gain that is lost on 128 points over 20 time units", "gain on 64 points, mean square distance"]
    others = ["gain on 64 points", "error at a gain on 64 points, mean square distance", "share of false alarms"]
    stored = [{"meaning": meaning, "value": 1.0, "interval": None, "unit": ""} for meaning in old + others]
    assert [measure.meaning for measure in measures({"refined_control": stored}, "refined_control")] == [
        "share of the cost reduction that is lost on 128 points over 20 time units",
        "cost reduction on 64 points, mean square distance",
        *others,
    ]
    table = summary_table({"refined_control": stored})
    assert "share of the cost reduction that is lost on 128 points" in table


def test_probing_is_displayed_within_simulations() -> None:
    """As the report's verdict has it; what is stored keeps its words."""
    meaning = "R² within trajectories of the median functional (energy), encoded"
    metrics = {"probing": [{"meaning": meaning, "value": 0.5, "interval": None, "unit": ""}]}
    assert "R² within simulations of the median functional (energy), encoded: 0.500" in summary_table(metrics)
    assert metrics["probing"][0]["meaning"] == meaning


def test_valid_time_at_the_end_of_the_test_is_a_bound(results: dict[str, Any]) -> None:
    rollout = results["metrics"]["rollout"] | {
        "valid_prediction_time": results["metrics"]["rollout"]["valid_prediction_time_limit"],
        "valid_to_the_end": 3,
    }
    assert "at least 0.240 Lyapunov times" in summary_table({"rollout": rollout})


@pytest.mark.parametrize(
    ("value", "text", "html", "mathtext"),
    [
        (0.05531, "0.0553", "0.0553", "0.0553"),
        (0.3, "0.300", "0.300", "0.300"),
        (-1.5, "-1.50", "−1.50", "-1.50"),
        (0.0, "0", "0", "0"),
        (99.96, "100", "100", "100"),
        (12345.6, "12,346", "12,346", "12,346"),
        (1.84e-9, "1.84e-09", '<span class="number">1.84 × 10<sup>−9</sup></span>', r"$1.84 \times 10^{-9}$"),
        (3e12, "3.00e+12", '<span class="number">3.00 × 10<sup>12</sup></span>', r"$3.00 \times 10^{12}$"),
        (float("inf"), "infinite", "infinite", "infinite"),
        (float("nan"), "-", "−", "-"),
        (None, "-", "−", "-"),
    ],
)
def test_numbers_are_written_with_three_digits(value: float | None, text: str, html: str, mathtext: str) -> None:
    assert in_text(value) == text
    assert in_html(value) == html
    assert in_mathtext(value) == mathtext


# The example ----------------------------------------------------------------------------------


def run_example(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), *arguments])
    monkeypatch.setenv("MPLBACKEND", "Agg")
    return runpy.run_path(str(EXAMPLE), run_name="__main__")


def test_example_closes_the_energy_budget(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run_example(monkeypatch, str(run / "controlled.nc"), "--quick")
    names["plt"].close("all")
    assert names["residual"] < 1e-3
    whole = names["energy_spectrum"](names["flows"]["u"]).sum()
    fluctuation = names["flows"]["u"].var("x").mean() / 2
    np.testing.assert_allclose(whole, fluctuation, rtol=1e-5)  # Parseval
    assert (run / "report" / "figures" / "analyse_control_quick.png").read_bytes().startswith(b"\x89PNG")
    assert "taken out by the jets" in capsys.readouterr().out


def test_example_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match=r"sciwm demo --quick.*make demo"):
        run_example(monkeypatch, str(tmp_path / "controlled.nc"))
