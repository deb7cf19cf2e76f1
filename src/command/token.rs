//! `floodgate token`: gives out tokens, lists them, takes them back.

mod create;

use std::process::ExitCode;

use actix_web::rt::System;

use super::cli::{TargetArgs, TokenCommand, TokenRevokeArgs};
use super::shop::wire::Token;
use super::shop::{Pages, Refusal, Shop};
use super::{Failure, print, say, table, target};

/// Does what the subcommand says.
pub(super) fn run(command: TokenCommand) -> Result<ExitCode, Failure> {
    let done = System::new().block_on(async {
        match command {
            TokenCommand::Create(args) => create::run(args).await,
            TokenCommand::List(args) => list(&args).await,
            TokenCommand::Revoke(args) => revoke(&args).await,
        }
    });
    done.map(|()| ExitCode::SUCCESS)
}

async fn list(args: &TargetArgs) -> Result<(), Failure> {
    let shop = shop_of(args)?;
    let mut tokens = Vec::new();
    let mut pages = Pages::default();
    loop {
        let page = shop.tokens(pages.cursor()).await.map_err(|refusal| refused(&refusal))?;
        tokens.extend(page.tokens);
        if !pages.turn(page.next_cursor).map_err(|refusal| refused(&refusal))? {
            break;
        }
    }
    print(&report(&tokens));
    Ok(())
}

async fn revoke(args: &TokenRevokeArgs) -> Result<(), Failure> {
    let token_id = args.token_id.as_str();
    // It becomes part of a path; nothing else is an id.
    if token_id.is_empty() || !token_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Failure::Usage(format!("{token_id:?} is not the id of a token; `token list` shows them")));
    }
    shop_of(&args.target)?.revoke_token(token_id).await.map_err(|refusal| refused(&refusal))?;
    say(&format!("token {token_id} is revoked"));
    Ok(())
}

fn shop_of(args: &TargetArgs) -> Result<Shop, Failure> {
    Ok(Shop::new(target::url_of(args)?, &target::token_of(args)?, 1))
}

fn refused(refusal: &Refusal) -> Failure {
    Failure::Work(format!("the service refuses: {refusal}"))
}

fn report(tokens: &[Token]) -> String {
    let mut rows = vec![["token_id", "role", "user_id", "created_at", "label"].map(str::to_owned).to_vec()];
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    rows.extend(tokens.iter().map(|token| {
        let Token { token_id, role, user_id, label, created_at } = token;
        vec![token_id.clone(), role.clone(), or_dash(user_id), created_at.clone(), or_dash(label)]
    }));
    table::text_columns(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_listed_with_what_they_are_for() {
        let token = Token {
            token_id: "1f".to_owned(),
            role: "customer".to_owned(),
            user_id: Some("u-7".to_owned()),
            label: None,
            created_at: "2026-11-21T08:00:00.000Z".to_owned(),
        };
        let expected = concat!(
            "token_id  role      user_id  created_at                label\n",
            "1f        customer  u-7      2026-11-21T08:00:00.000Z  -\n"
        );
        assert_eq!(report(&[token]), expected);
    }
}
