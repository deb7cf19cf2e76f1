//! What is told while the service runs, on standard error.

use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::SettingsError;

/// The level that suits the place.
const AUTO: &str = "auto";

/// What anyone who can connect could fill the log with: each broken connection is an error to this library. Told only
/// when it is asked for by name.
const QUIET: &str = "actix_http=off";

/// Settings of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// A level, or directives; none: what suits the place that the log goes to.
    pub level: Option<String>,
    /// How a line is written.
    pub format: LogFormat,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    level: String,
    format: String,
}

impl LogSettings {
    pub(super) fn check(Raw { level, format }: Raw) -> Result<Self, SettingsError> {
        if level != AUTO && !is_good(&level) {
            let problem = format!(
                "must be {AUTO}, error, warn, info, debug or trace, or directives such as \
                 \"info,floodgate::access=warn\", not {level:?}"
            );
            return Err(SettingsError::bad("log.level", problem));
        }
        let format = match format.as_str() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            _ => return Err(SettingsError::bad("log.format", format!("must be text or json, not {format:?}"))),
        };
        Ok(Self { level: Some(level).filter(|level| level != AUTO), format })
    }

    /// What is told, as directives. A person at a terminal would see nothing for access lines, so there only those of
    /// failures are told unless more is asked for.
    pub fn directives(&self, is_terminal: bool) -> String {
        let level = match &self.level {
            Some(level) => level,
            None if is_terminal && self.format == LogFormat::Text => "info,actix_server=warn,floodgate::access=warn",
            None => "info,actix_server=warn",
        };
        format!("{QUIET},{level}")
    }
}

/// A filter would take a bare word that is no level for the name of a module.
fn is_good(level: &str) -> bool {
    let is_level = |word: &str| word.parse::<LevelFilter>().is_ok() && !word.is_empty();
    // Nor would it mind a directive that breaks off, or one about nothing.
    let is_whole = |directive: &str| !directive.ends_with('=') && !directive.starts_with('=');
    let is_directive = |directive: &str| {
        let directive = directive.trim();
        (directive.contains(['=', '[']) && is_whole(directive)) || is_level(directive)
    };
    level.split(',').all(is_directive) && EnvFilter::try_new(level).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_word_must_be_a_level() {
        let table = [
            ("info", true),
            ("WARN", true),
            ("off", true),
            ("info,floodgate::access=warn", true),
            ("debug,actix_server=off", true),
            ("loud", false),
            ("info,loud", false),
            ("floodgate=loud", false),
            ("lots=of=it", false),
            ("info,floodgate=", false),
            ("info,floodgate= ", false),
            ("=info", false),
            ("info,floodgate[sale]=debug", true),
            ("", false),
        ];
        for (level, wanted) in table {
            assert_eq!(is_good(level), wanted, "{level:?}");
        }
    }

    #[test]
    fn lines_about_broken_connections_are_told_only_by_name() {
        let table =
            [("auto", None), ("warn", None), ("trace", None), ("info,actix_http=debug", Some(LevelFilter::DEBUG))];
        for (level, wanted) in table {
            let settings = LogSettings::check(Raw { level: level.to_owned(), format: "text".to_owned() });
            let filter = EnvFilter::new(settings.expect("good settings").directives(false)).to_string();
            let of_library = filter.split(',').find_map(|directive| directive.strip_prefix("actix_http="));
            assert_eq!(of_library, Some(wanted.unwrap_or(LevelFilter::OFF).to_string().as_str()), "{level}: {filter}");
        }
    }

    #[test]
    fn access_lines_are_kept_from_a_terminal_unless_they_are_asked_for() {
        let settings = |level: &str, format: &str| {
            LogSettings::check(Raw { level: level.to_owned(), format: format.to_owned() }).expect("good settings")
        };
        let is_quiet =
            |level, format, is_terminal| settings(level, format).directives(is_terminal).contains("access=warn");
        let table = [
            ("auto", "text", true, true),
            ("auto", "text", false, false),
            ("auto", "json", true, false),
            ("info", "text", true, false),
        ];
        for (level, format, is_terminal, wanted) in table {
            assert_eq!(is_quiet(level, format, is_terminal), wanted, "{level} {format} {is_terminal}");
        }
    }
}
