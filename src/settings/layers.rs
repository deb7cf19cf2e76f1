//! The layers that settings come from: defaults, a file, the environment, flags.
//!
//! Each layer is held to the names and kinds of the defaults before they are merged, so that what is wrong with it is
//! told in our words.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use config::{Config, ConfigError, Environment, File, FileFormat, Map, Source as _, Value, ValueKind};

use super::{Flags, SettingsError};

const DEFAULTS: &str = include_str!("../../config/default.toml");
/// What the name of every setting in the environment begins with.
const PREFIX: &str = "FLOODGATE";
/// What stands between section and name there.
const SEPARATOR: &str = "__";
/// Variables with the prefix that belong to commands.
const OF_COMMANDS: [&str; 2] = ["FLOODGATE_URL", "FLOODGATE_TOKEN"];
/// What variables with the prefix begin with that belong to the services that tests run on.
const OF_SERVICES: [&str; 2] = ["FLOODGATE_TEST_", "FLOODGATE_SERVICES"];
/// A name this many letters away from a setting's is taken for a slip.
const SLIP_MAX: usize = 3;

/// Merges the layers.
pub(super) fn merge(
    flags: &Flags,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, SettingsError> {
    let unreadable = |error: ConfigError| SettingsError::Unreadable(format!("the settings cannot be read: {error}"));
    let known = Known::of(File::from_str(DEFAULTS, FileFormat::Toml).collect().map_err(unreadable)?);
    let mut layers = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
    if let Some(path) = &flags.config {
        let text = read(path)?;
        known.check_file(parse(path, &text)?)?;
        layers = layers.add_source(File::from_str(&text, FileFormat::Toml));
    }
    let variables = known.settings_in(environment)?;
    layers = layers.add_source(
        Environment::with_prefix(PREFIX).prefix_separator("_").separator(SEPARATOR).source(Some(variables)),
    );
    let listen = flags.listen.map(|listen| listen.to_string());
    let data = flags.data.as_ref().map(|data| data.display().to_string());
    let role = flags.role.map(|role| role.name().to_owned());
    for (name, value) in [("server.listen", listen), ("data.dir", data), ("server.role", role)] {
        layers = layers.set_override_option(name, value).map_err(unreadable)?;
    }
    layers.build().map_err(unreadable)
}

fn read(path: &Path) -> Result<String, SettingsError> {
    let problem = |error| format!("the settings file {} cannot be read: {error}", path.display());
    std::fs::read_to_string(path).map_err(|error| SettingsError::Unreadable(problem(error)))
}

fn parse(path: &Path, text: &str) -> Result<Map<String, Value>, SettingsError> {
    File::from_str(text, FileFormat::Toml).collect().map_err(|error| {
        let told = match error {
            ConfigError::FileParse { cause, .. } => cause.to_string(),
            other => other.to_string(),
        };
        SettingsError::Unreadable(format!("the settings file {} is not toml: {}", path.display(), sentence(&told)))
    })
}

/// The words and the place of an error that comes with a drawing of the place.
fn sentence(told: &str) -> String {
    let place = told.lines().next().and_then(|line| line.strip_prefix("TOML parse error at "));
    let words: Vec<&str> = told.lines().skip(1).map(str::trim).filter(|line| !line.contains('|')).collect();
    match place {
        Some(place) => format!("{} at {place}", words.join(", ")),
        None => told.replace('\n', ", "),
    }
}

/// The settings that there are, as section and name, with their defaults.
struct Known(BTreeMap<String, Value>);

impl Known {
    fn of(defaults: Map<String, Value>) -> Self {
        let tables = defaults.into_iter().filter_map(|(section, table)| Some((section, table.into_table().ok()?)));
        let named = tables.flat_map(|(section, table)| {
            table.into_iter().map(move |(name, default)| (format!("{section}.{name}"), default))
        });
        Self(named.collect())
    }

    /// Checks a file's names, and the kinds of its values.
    fn check_file(&self, sections: Map<String, Value>) -> Result<(), SettingsError> {
        for (section, values) in sections {
            let is_section = self.0.keys().any(|known| known.split_once('.').is_some_and(|(own, _)| own == section));
            let values = match values.kind {
                ValueKind::Table(values) => values,
                _ if is_section => {
                    return Err(SettingsError::bad(&*section, format!("is a section, as in [{section}]")));
                }
                _ => return Err(self.no_such(&section, &section, |name| name.to_owned())),
            };
            for (name, value) in values {
                let name = format!("{section}.{name}");
                let Some(default) = self.0.get(&name) else {
                    return Err(self.no_such(&name, &name, |name| name.to_owned()));
                };
                check_kind(&name, default, &value)?;
            }
        }
        Ok(())
    }

    /// The variables that are settings. Others with the prefix are refused, but for those of commands and services.
    fn settings_in(
        &self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<HashMap<String, String>, SettingsError> {
        let mut found = HashMap::new();
        for (variable, value) in environment {
            let is_ours = variable.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with('_'));
            let is_of_services = OF_SERVICES.iter().any(|of_services| variable.starts_with(of_services));
            if !is_ours || is_of_services || OF_COMMANDS.contains(&&*variable) {
                continue;
            }
            let Some((name, default)) = self.0.iter().find(|(name, _)| variable_of(name) == variable) else {
                let wanted = variable.trim_start_matches(PREFIX).to_lowercase();
                let wanted = wanted.trim_matches('_').replace(SEPARATOR, ".");
                return Err(self.no_such(&variable, &wanted, variable_of));
            };
            check_kind(name, default, &Value::new(None, ValueKind::String(value.clone())))?;
            found.insert(variable, value);
        }
        Ok(found)
    }

    /// Says that there is no setting `given`; `wanted` is how it would be called in a file, `spell` how it is shown.
    fn no_such(&self, given: &str, wanted: &str, spell: impl Fn(&str) -> String) -> SettingsError {
        let slips = self.0.keys().map(|name| (distance(name, wanted), name));
        let nearest = slips.min().filter(|(slips, _)| *slips <= SLIP_MAX).map(|(_, name)| name);
        // One that is right but for its section.
        let bare = wanted.rsplit('.').next().unwrap_or(wanted);
        let of_section = || self.0.keys().find(|name| name.split_once('.').is_some_and(|(_, own)| own == bare));
        let hint = nearest.or_else(of_section).map(|name| format!("; did you mean {}?", spell(name)));
        SettingsError::Unknown { name: given.to_owned(), hint: hint.unwrap_or_default() }
    }
}

fn variable_of(name: &str) -> String {
    format!("{PREFIX}_{}", name.replace('.', SEPARATOR).to_uppercase())
}

/// Every setting is a text or a whole number, as its default is. The environment knows only texts.
fn check_kind(name: &str, default: &Value, value: &Value) -> Result<(), SettingsError> {
    let is_number = matches!(default.kind, ValueKind::I64(_));
    let shown = match &value.kind {
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::I64(_) | ValueKind::U64(_) | ValueKind::Float(_) | ValueKind::Boolean(_) => value.to_string(),
        _ => return Err(SettingsError::bad(name, "must be one value")),
    };
    let fits = match &value.kind {
        ValueKind::String(text) => !is_number || text.parse::<u32>().is_ok(),
        ValueKind::I64(number) => is_number && u32::try_from(*number).is_ok(),
        _ => false,
    };
    match fits {
        true => Ok(()),
        false if is_number => {
            let problem = format!("must be a whole number from 0 to {}, not {shown}", u32::MAX);
            Err(SettingsError::bad(name, problem))
        }
        false => Err(SettingsError::bad(name, format!("must be a text in quotes, not {shown}"))),
    }
}

/// How many letters have to be put in, taken out or changed to make one text of the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, letter) in from.chars().enumerate() {
        let mut corner = above;
        row[0] = above + 1;
        for (left, other) in to.iter().enumerate() {
            let changed = corner + usize::from(letter != *other);
            corner = row[left + 1];
            row[left + 1] = changed.min(corner + 1).min(row[left] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted_in_letters() {
        let table =
            [("", "", 0), ("a", "", 1), ("log.level", "log.level", 0), ("log.level", "log_level", 1), ("abc", "ca", 3)];
        for (from, to, slips) in table {
            assert_eq!((distance(from, to), distance(to, from)), (slips, slips), "{from} {to}");
        }
    }

    #[test]
    fn every_setting_is_a_text_or_a_whole_number() {
        let defaults = File::from_str(DEFAULTS, FileFormat::Toml).collect().expect("the defaults are toml");
        let Known(known) = Known::of(defaults);
        assert!(known.contains_key("store.url") && known.contains_key("shop.currency_digits"));
        for (name, default) in known {
            assert!(matches!(default.kind, ValueKind::String(_) | ValueKind::I64(_)), "{name}");
        }
    }
}
