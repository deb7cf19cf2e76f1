//! `floodgate token create`: over HTTP if a service is running, else in the store that none holds.

use actors::domain::limits::LABEL_LENGTH_MAX;

use crate::access::{Caller, Role};
use crate::app::issue_offline;
use crate::command::cli::TokenCreateArgs;
use crate::command::shop::Shop;
use crate::command::shop::wire::{CreatedToken, WantedToken};
use crate::command::target::{self, BaseUrl};
use crate::command::{Failure, print, say};
use crate::settings::{Flags, Settings};

/// Gives out a token. The token alone goes to standard output.
pub(super) async fn run(args: TokenCreateArgs) -> Result<(), Failure> {
    if args.role != Role::Customer.name() && args.user_id.is_some() {
        return Err(Failure::Usage("only a customer's token speaks for a user; leave out --user".to_owned()));
    }
    if let Some(user_id) = args.user_id.as_ref().filter(|user_id| Caller::is_reserved(user_id)) {
        return Err(Failure::Usage(format!("no customer can be {user_id}, which events have as an author")));
    }
    if args.label.as_ref().is_some_and(|label| label.chars().count() > LABEL_LENGTH_MAX) {
        return Err(Failure::Usage(format!("a label has at most {LABEL_LENGTH_MAX} characters")));
    }
    let asked = match way_of(&args)? {
        Some(url) => ask(&args, &url).await?,
        None => None,
    };
    let CreatedToken { token_id, token } = match asked {
        Some(created) => created,
        None => in_store(args).await?,
    };
    say(&format!("token {token_id} is given out; this is the only time it is shown"));
    print(&format!("{token}\n"));
    Ok(())
}

/// The service to ask: the one that is named, or the one that the data directory tells of.
fn way_of(args: &TokenCreateArgs) -> Result<Option<BaseUrl>, Failure> {
    if is_told(args) { target::url_of(&args.target).map(Some) } else { Ok(target::url_of_run(&args.target.data)) }
}

fn is_told(args: &TokenCreateArgs) -> bool {
    args.target.url.is_some() || args.target.token.is_some()
}

/// Asks a service; none if there is none any more where the data directory tells of one.
async fn ask(args: &TokenCreateArgs, url: &BaseUrl) -> Result<Option<CreatedToken>, Failure> {
    let wanted = WantedToken {
        role: &args.role,
        user_id: args.user_id.as_ref().map(|user_id| user_id.as_str()),
        label: args.label.as_deref(),
    };
    let shop = Shop::new(url.clone(), &target::token_of(&args.target)?, 1);
    match shop.create_token(&wanted).await {
        Ok(created) => Ok(Some(created)),
        // What a killed service said of itself stays behind.
        Err(refusal) if !is_told(args) && refusal.is_unreachable() => Ok(None),
        Err(refusal) => Err(Failure::Work(format!("{} gives no token: {refusal}", url.as_str()))),
    }
}

async fn in_store(args: TokenCreateArgs) -> Result<CreatedToken, Failure> {
    let TokenCreateArgs { target, role, user_id, label, config } = args;
    let caller = Role::from_name(&role).and_then(|role| Caller::of(role, user_id));
    let caller = caller.ok_or_else(|| Failure::Usage(format!("{role} is not a role, or names no user")))?;
    let flags = Flags { config, data: Some(target.data.clone()), ..Flags::default() };
    let settings = Settings::of_process(&flags).map_err(|error| Failure::Usage(error.to_string()))?;
    let data = target.data.display();
    say(&format!("no service runs on {data}, so the token is put into the store itself, {}", settings.store));
    let issued = issue_offline(settings, caller, label).await.map_err(Failure::of_start)?;
    Ok(CreatedToken { token_id: issued.record.token_id, token: issued.token })
}
