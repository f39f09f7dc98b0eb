"""The command line: every page's work without the page, in the same words.

Exit 0 done, 1 findings with errors or a gate not met, 2 unusable input or arguments. Whatever goes wrong is told in one
line on standard error. Only Typer is imported here: each command loads what it needs when it is called.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from workbench import __version__
from workbench.commands import (
    check,
    console,
    dataset,
    evaluate,
    examples,
    finetune,
    generate,
    models,
    prompts,
    render,
    sanitize,
    serve,
    serve_model,
    token,
)
from workbench.core.errors import InvalidInputError, WorkbenchError

app = typer.Typer(
    name="workbench",
    help="Compose, see, hear and read pieces. Without a command: start the app.",
    add_completion=False,
    invoke_without_command=True,
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("generate")(generate.generate)
app.command("render")(render.render)
app.command("check")(check.check)
app.command("sanitize")(sanitize.sanitize)
app.command("models")(models.models)
app.command("serve")(serve.serve)
app.command("serve-model")(serve_model.serve_model)
app.add_typer(examples.app, name="examples")
app.add_typer(dataset.app, name="dataset")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(finetune.app, name="finetune")
app.add_typer(prompts.app, name="prompts")
app.add_typer(token.app, name="token")


@app.callback()
def start_app(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port that the app listens on.")] = 8501,
    headless: Annotated[bool, typer.Option("--headless", help="Do not open a browser.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Compose, see, hear and read pieces. Without a command: start the app."""
    if version:
        print(f"workbench {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        from workbench.server import start

        start(port=port, headless=headless)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and answer with its exit code; every failure becomes one line on standard error."""
    console.use_utf8()
    command = typer.main.get_command(app)
    try:
        code = command.main(arguments, prog_name="python -m workbench", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except TyperException as problem:
        message = problem.format_message().rstrip(".")
        console.complain(f"{message}. Try 'python -m workbench --help', or --help after the command.")
        return 2
    except InvalidInputError as problem:
        console.complain(str(problem))
        return 2
    except WorkbenchError as problem:
        console.complain(str(problem))
        return 1
    except BrokenPipeError:
        return console.reader_left()
    except OSError as problem:
        console.complain(console.explain_os_error(problem))
        return 2
    except (KeyboardInterrupt, typer.Abort):
        console.complain("Stopped.")
        return 130
    except Exception as problem:
        if sys.flags.dev_mode:
            raise
        console.complain(
            f"This is a fault in the workbench: {type(problem).__name__}: {problem}. "
            "Run again as 'python -X dev -m workbench …' to see where."
        )
        return 1
