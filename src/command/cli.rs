//! What the command line takes. Defaults of `serve` belong to the settings, so its options are all optional.

use std::path::PathBuf;
use std::time::Duration;

use actors::domain::id::{SkuId, UserId};
use actors::ports::Place;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::duration;
use crate::settings::NodeRole;

/// Sells what is there, once, however many want it.
#[derive(Debug, Parser)]
#[command(name = "floodgate", version, args_conflicts_with_subcommands = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// `floodgate` alone is `floodgate serve`.
    #[command(flatten)]
    pub(super) serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs the service (what `floodgate` does when no command is given).
    Serve(ServeArgs),
    /// Holds a flash sale over real HTTP and judges it; starts a service of its own if none is running.
    Rush(RushArgs),
    /// Prints whether stock, orders and ledger agree.
    Verdict(VerdictArgs),
    /// Measures durable orders beside the same server's bare echo, on a service of its own.
    #[cfg(feature = "bench")]
    Bench(BenchArgs),
    /// Shows who lives in the service and what they do; on a terminal, again every second.
    Actors(ActorsArgs),
    /// Brings the store's tables up to date; SQLite's are whenever the service starts.
    Migrate(MigrateArgs),
    /// Gives out tokens, lists them and takes them back.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Shows the order events that could not be processed, and has them processed once more; with a stream in Kafka.
    #[command(subcommand)]
    Dlq(DlqCommand),
}

/// Options of `floodgate serve`; what is not given comes from the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Directory of everything the service keeps [default: data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// File of settings
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What this node does [default: all]
    #[arg(long, value_enum)]
    pub(crate) role: Option<Role>,
}

/// Options of `floodgate migrate`; what is not given comes from the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(super) struct MigrateArgs {
    /// Directory of everything the service keeps [default: data]
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// File of settings
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Everything: orders, and the work on their events.
    All,
    /// Orders; their events are left to others. With a stream in Kafka and a store on MySQL.
    Api,
    /// The work on events; orders are left to others. With a stream in Kafka and a store on MySQL.
    Worker,
}

impl From<Role> for NodeRole {
    fn from(role: Role) -> Self {
        match role {
            Role::All => Self::All,
            Role::Api => Self::Api,
            Role::Worker => Self::Worker,
        }
    }
}

/// Which running service a command talks to.
#[derive(Clone, Debug, Args)]
pub(super) struct TargetArgs {
    /// Where the service listens [default: what run.json in the data directory says]
    #[arg(long, env = "FLOODGATE_URL")]
    pub(super) url: Option<String>,
    /// Admin token [default: the file admin-token in the data directory]
    #[arg(long, env = "FLOODGATE_TOKEN", hide_env_values = true)]
    pub(super) token: Option<String>,
    /// The service's data directory
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub(super) data: PathBuf,
}

/// Options of `floodgate rush`.
#[derive(Clone, Debug, Args)]
pub(super) struct RushArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// Buyers who compete, each a user of its own with one attempt
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(super) buyers: u32,
    /// Units for sale
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    pub(super) stock: u32,
    /// Connections that the buyers share
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(super) clients: u16,
    /// Units that each buyer wants
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) quantity: u32,
    /// How long each request is tried again through an outage, such as 30s
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(super) patience: Option<Duration>,
    /// Id of the SKU to make; it must not exist yet [default: one made for this rush]
    #[arg(long, value_name = "ID")]
    pub(super) sku: Option<SkuId>,
    /// Rushes a service that is not on this machine, too
    #[arg(long)]
    pub(super) anywhere: bool,
}

/// Options of `floodgate verdict`.
#[derive(Clone, Debug, Args)]
pub(super) struct VerdictArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// Only this SKU
    #[arg(long, value_name = "ID")]
    pub(super) sku: Option<SkuId>,
}

/// Options of `floodgate bench`.
#[cfg(feature = "bench")]
#[derive(Clone, Debug, Args)]
pub(super) struct BenchArgs {
    /// Connections that are kept busy
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(super) connections: u16,
    /// How long each round takes
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    pub(super) seconds: u16,
    /// Rounds of echo and as many of orders, by turns
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(super) rounds: u16,
    /// Measures orders on this store, too; a database for nothing else, for it is filled with orders
    #[arg(long, value_name = "URL")]
    pub(super) store_url: Option<String>,
    /// Measures orders with this ledger, too; with keys of their own, which stay
    #[arg(long, value_name = "URL")]
    pub(super) ledger_url: Option<String>,
    /// Measures orders with this stream, too; with a topic of their own, which stays
    #[arg(long, value_name = "URL")]
    pub(super) stream_url: Option<String>,
}

/// Options of `floodgate actors`.
#[derive(Clone, Debug, Args)]
pub(super) struct ActorsArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// Only actors of this kind, such as stock or order_supervisor
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub(super) kind: Option<String>,
}

/// A kind of actor becomes part of a query.
fn kind(text: &str) -> Result<String, &'static str> {
    let is_good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_good { Ok(text.to_owned()) } else { Err("a kind is written in small letters, as in order_supervisor") }
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Gives out a token and prints it, this once; with no service running, opens its store itself.
    Create(TokenCreateArgs),
    /// Lists the tokens that were given out, newest first, without the tokens themselves.
    List(TargetArgs),
    /// Takes a token back, at once.
    Revoke(TokenRevokeArgs),
}

/// Options of `floodgate token create`.
#[derive(Clone, Debug, Args)]
pub(super) struct TokenCreateArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// What the token lets its holder be
    #[arg(long, value_parser = ["customer", "service", "admin"])]
    pub(super) role: String,
    /// The user that a customer's token speaks for
    #[arg(long = "user", value_name = "ID", required_if_eq("role", "customer"))]
    pub(super) user_id: Option<UserId>,
    /// What to call it
    #[arg(long, value_name = "TEXT")]
    pub(super) label: Option<String>,
    /// File of settings that says where the store is, if no service is running
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

/// Options of `floodgate token revoke`.
#[derive(Clone, Debug, Args)]
pub(super) struct TokenRevokeArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// The token's id, as `token list` shows it
    #[arg(value_name = "TOKEN_ID")]
    pub(super) token_id: String,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum DlqCommand {
    /// Lists what was put aside, with the cause.
    List(DlqListArgs),
    /// Publishes what was put aside once more, to be processed whatever was done since.
    Replay(DlqReplayArgs),
}

/// Options of `floodgate dlq list`.
#[derive(Clone, Debug, Args)]
pub(super) struct DlqListArgs {
    /// File of settings that says where the stream is
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

/// Options of `floodgate dlq replay`.
#[derive(Clone, Debug, Args)]
pub(super) struct DlqReplayArgs {
    /// File of settings that says where the stream is
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Everything that was not replayed yet
    #[arg(long, required_unless_present = "places")]
    pub(super) all: bool,
    /// Where it is, as `dlq list` shows it: partition and offset, such as 0:17
    #[arg(value_name = "PLACE", conflicts_with = "all", value_parser = place)]
    pub(super) places: Vec<Place>,
}

fn place(text: &str) -> Result<Place, &'static str> {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then_some(());
    let place = text.split_once(':').and_then(|(partition, offset)| {
        number(partition).and(number(offset))?;
        Some(Place { partition: partition.parse().ok()?, offset: offset.parse().ok()? })
    });
    place.ok_or("a place is a partition and an offset, as in 0:17")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_is_serve_with_the_same_options() {
        let alone = parse("floodgate").expect("no command is allowed");
        assert!(alone.command.is_none());
        assert_eq!(alone.serve, ServeArgs::default());
        let with_options = parse("floodgate --listen 127.0.0.1:0 --data d").expect("serve's options are allowed");
        let Some(Command::Serve(named)) =
            parse("floodgate serve --listen 127.0.0.1:0 --data d").expect("serve is a command").command
        else {
            panic!("serve was read as another command");
        };
        assert_eq!(with_options.serve, named);
        assert_eq!(named.data, Some(PathBuf::from("d")));
    }

    #[test]
    fn a_rush_is_read_with_its_defaults() {
        let Some(Command::Rush(rush)) =
            parse("floodgate rush --stock 7 --patience 30s").expect("rush is a command").command
        else {
            panic!("rush was read as another command");
        };
        assert_eq!((rush.buyers, rush.stock, rush.clients, rush.quantity), (10_000, 7, 200, 1));
        assert_eq!(rush.patience, Some(Duration::from_secs(30)));
        assert_eq!(rush.target.data, PathBuf::from("data"));
    }

    #[test]
    fn wrong_use_is_exit_code_two() {
        for line in [
            "floodgate rsh",
            "floodgate rush --buyers 0",
            "floodgate rush --stock -1",
            "floodgate rush --patience soon",
            "floodgate verdict --buyers 1",
            "floodgate actors --kind a&b",
            "floodgate token",
            "floodgate token create",
            "floodgate token create --role buyer",
            "floodgate token create --role customer",
            "floodgate token create --role customer --user a/b",
            "floodgate token revoke",
            "floodgate dlq",
            "floodgate dlq replay",
            "floodgate dlq replay 7",
            "floodgate dlq replay 0:-1",
            "floodgate dlq replay --all 0:1",
        ] {
            let error = parse(line).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
