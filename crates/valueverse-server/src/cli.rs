//! The command line.

mod audit;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

pub(crate) use self::audit::{
    AuditVerb, Chain, CheckpointArgs, ExportArgs, HoldVerb, ProveArgs, PruneArgs, SegmentsArgs,
    VerifyArgs, WitnessArgs,
};
use crate::output::{Failure, Output};

const EXIT_CODES: &str = "Exit codes: 0 fine, 1 the answer is \"no\", 2 wrong usage or setting, 3 a dependency is unreachable.";

/// Security backend for multi-tenant services: sign-in, sessions, audit.
#[derive(Debug, Parser)]
#[command(name = "valueverse", version, after_help = format!("{}\n\n{EXIT_CODES}", examples(&[
    "valueverse",
    "valueverse serve --listen 127.0.0.1:8080 --data-dir /var/lib/valueverse",
    "valueverse config check",
])))]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(flatten)]
    serve: ServeArgs,
    #[command(subcommand)]
    verb: Option<Verb>,
}

/// Options of every verb.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Folder for databases and generated keys; created if it does not exist.
    #[arg(long, global = true, value_name = "FOLDER", default_value = "./data")]
    pub(crate) data_dir: PathBuf,
    /// Settings file [default: valueverse.toml in the data folder, if there is one].
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Write results and errors as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Options of `serve`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Verb {
    /// Run the server (the default).
    #[command(after_help = examples(&["valueverse serve --listen 127.0.0.1:0 --data-dir ./data"]))]
    Serve(ServeArgs),
    /// Bring the databases to this version's schema.
    #[command(after_help = examples(&["valueverse migrate --dry-run"]))]
    Migrate {
        /// Only say what would be done.
        #[arg(long)]
        dry_run: bool,
    },
    /// Manage administrators.
    #[command(subcommand, arg_required_else_help = true)]
    Admin(AdminVerb),
    /// Work with the audit trail.
    #[command(subcommand, arg_required_else_help = true)]
    Audit(AuditVerb),
    /// Look at the settings.
    #[command(subcommand, arg_required_else_help = true)]
    Config(ConfigVerb),
    /// Examine settings, folder, keys and databases, and say what is wrong.
    #[command(after_help = examples(&["valueverse doctor --json"]))]
    Doctor,
    /// Print the OpenAPI document.
    #[command(hide = true, after_help = examples(&["valueverse openapi > openapi.json"]))]
    Openapi,
    /// Print the table of problem codes as Markdown.
    #[command(hide = true, after_help = examples(&["valueverse problems > problems.md"]))]
    Problems,
}

/// What to do with administrators.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum AdminVerb {
    /// Create an administrator; works beside a running server.
    #[command(after_help = examples(&[
        "printf '%s' \"$PASSWORD\" | valueverse admin create --email a@b.example --password-stdin",
    ]))]
    Create(AdminCreateArgs),
}

/// Options of `admin create`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AdminCreateArgs {
    /// E-mail address to sign in with.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: String,
    /// Read the password from standard input, up to the first line break.
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Tenant the administrator belongs to; created if it does not exist.
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Name to show.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// What to do with the settings.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Say everything that is wrong with the settings.
    #[command(after_help = examples(&["VALUEVERSE_ENV=production valueverse config check"]))]
    Check,
    /// Show the settings in force and where each came from; secrets are not shown.
    #[command(after_help = examples(&["valueverse config print --json"]))]
    Print,
    /// Print the JSON Schema of the settings file.
    #[command(after_help = examples(&["valueverse config schema > valueverse.schema.json"]))]
    Schema,
}

/// The command line, understood.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    /// Options of every verb.
    pub(crate) global: Global,
    /// What to do.
    pub(crate) verb: Verb,
}

impl Invocation {
    /// `--listen`, if the verb has it.
    pub(crate) fn listen(&self) -> Option<&str> {
        match &self.verb {
            Verb::Serve(args) => args.listen.as_deref(),
            Verb::Audit(AuditVerb::Witness(args)) => args.listen.as_deref(),
            _ => None,
        }
    }
}

impl Cli {
    /// Reads the command line of the process. On `--help`, `--version` and wrong usage everything
    /// has been said and only the exit code is left.
    pub(crate) fn read() -> Result<Invocation, ExitCode> {
        Self::try_parse()
            .and_then(Self::invocation)
            .map_err(|error| {
                // The options could not be understood, so this one is looked for by hand.
                if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
                    return Output::new(true).fail(&wrong_usage(&error));
                }
                // Nothing is left to report to when the stream is closed.
                let _ = error.print();
                u8::try_from(error.exit_code()).unwrap_or(2).into()
            })
    }

    /// Makes `serve` the default verb and refuses its options before another one.
    pub(crate) fn invocation(self) -> Result<Invocation, clap::Error> {
        let verb = match (self.verb, self.serve.listen) {
            (None, listen) => Verb::Serve(ServeArgs { listen }),
            (Some(verb), None) => verb,
            (Some(Verb::Serve(ServeArgs { listen: None })), listen) => {
                Verb::Serve(ServeArgs { listen })
            }
            (Some(_), Some(_)) => {
                let message = "--listen belongs to serve and may be given once";
                return Err(Self::command().error(ErrorKind::ArgumentConflict, message));
            }
        };
        Ok(Invocation {
            global: self.global,
            verb,
        })
    }
}

/// The first line of what clap says, which names the mistake.
fn wrong_usage(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let cause = first.strip_prefix("error: ").unwrap_or(first);
    Failure::usage(
        "usage.invalid",
        cause,
        "`valueverse --help` shows what there is",
    )
}

fn examples(lines: &[&str]) -> String {
    let title = if lines.len() == 1 {
        "Example:"
    } else {
        "Examples:"
    };
    let mut text = title.to_owned();
    for line in lines {
        text.push_str("\n  ");
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Invocation, clap::Error> {
        Cli::try_parse_from(line.split(' ')).and_then(Cli::invocation)
    }

    #[test]
    fn serve_is_the_default_verb() {
        assert!(matches!(
            parse("valueverse").unwrap().verb,
            Verb::Serve(ServeArgs { listen: None })
        ));
        let named = parse("valueverse --json serve --listen 127.0.0.1:0 --data-dir d").unwrap();
        assert_eq!(named.listen(), Some("127.0.0.1:0"));
        assert_eq!(named.global.data_dir, PathBuf::from("d"));
        assert!(named.global.json);
        let bare = parse("valueverse --listen 127.0.0.1:0").unwrap();
        assert_eq!(bare.listen(), Some("127.0.0.1:0"));
        assert_eq!(bare.global.data_dir, PathBuf::from("./data"));
    }

    #[test]
    fn global_options_stand_before_and_after_the_verb() {
        for line in [
            "valueverse --data-dir d --config c.toml --json config check",
            "valueverse config check --data-dir d --config c.toml --json",
        ] {
            let invocation = parse(line).unwrap();
            assert_eq!(
                invocation.global.config,
                Some(PathBuf::from("c.toml")),
                "{line}"
            );
            assert!(invocation.global.json, "{line}");
        }
    }

    #[test]
    fn listen_belongs_to_serve() {
        for line in [
            "valueverse --listen 127.0.0.1:0 migrate",
            "valueverse --listen 127.0.0.1:0 serve --listen 127.0.0.1:1",
            "valueverse migrate --listen 127.0.0.1:0",
            "valueverse nonsense",
            "valueverse admin",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn wrong_usage_is_named_in_one_line() {
        let failure = wrong_usage(&parse("valueverse bogus").unwrap_err());
        assert_eq!(failure.cause, "unrecognized subcommand 'bogus'");
        assert_eq!(failure.status.number(), 2);
    }

    #[test]
    fn every_verb_shows_an_example() {
        fn visit(command: &mut clap::Command, seen: &mut usize) {
            if command.has_subcommands() {
                command
                    .get_subcommands_mut()
                    .for_each(|verb| visit(verb, seen));
            } else {
                let help = command.render_long_help().to_string();
                assert!(
                    help.contains("Example:\n  ") || help.contains("Examples:\n  "),
                    "{help}"
                );
                assert!(help.contains("valueverse"), "{help}");
                *seen += 1;
            }
        }
        let mut seen = 0;
        visit(&mut Cli::command(), &mut seen);
        assert_eq!(seen, 22);
        Cli::command().debug_assert();
    }
}
