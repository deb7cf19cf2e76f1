//! The three scripts.

use std::sync::LazyLock;

use redis::aio::ConnectionLike;
use redis::{ErrorKind, FromRedisValue, RedisResult, ServerErrorKind};

/// A script, known to Redis by its digest.
pub(super) struct Script {
    digest: String,
    text: &'static str,
}

pub(super) static RESERVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../../lua/reserve.lua")));
pub(super) static SETTLE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../../lua/settle.lua")));
pub(super) static READ: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../../lua/read.lua")));

impl Script {
    fn new(text: &'static str) -> Self {
        Self { digest: redis::Script::new(text).get_hash().to_owned(), text }
    }

    /// Runs it on keys of one slot. A Redis that does not know it, new or wiped, is given it whole.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        connection: &mut impl ConnectionLike,
        keys: &[String],
        arguments: &[String],
    ) -> RedisResult<T> {
        let command = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
            command
        };
        let ran = command("EVALSHA", &self.digest).query_async(connection).await;
        match ran {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                command("EVAL", self.text).query_async(connection).await
            }
            ran => ran,
        }
    }
}
