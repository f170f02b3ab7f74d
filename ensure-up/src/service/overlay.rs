//! Which tables are services, and what a profile lays over them.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::fault::{Fault, Source};

/// The keys of one service.
pub(super) type Keys<'k, 'i> = BTreeMap<String, Written<'k, 'i>>;

/// What was written for a key.
pub(super) struct Written<'k, 'i> {
    /// Where the key stands.
    pub(super) at: Range<usize>,
    pub(super) value: &'k Spanned<DeValue<'i>>,
    /// The variables of the service itself, where a profile has more of them.
    pub(super) under: Option<&'k Spanned<DeValue<'i>>>,
}

/// The table that holds profiles.
const PROFILE: &str = "profile";

/// Lists the services in the file's order, each with the keys of the profile laid over its own.
pub(super) fn services<'k, 'i>(
    file: &'k DeTable<'i>,
    profile: Option<&str>,
    source: &Source<'_>,
) -> Result<Vec<(String, Keys<'k, 'i>)>, Fault> {
    let mut services: Vec<(usize, String, Keys<'k, 'i>)> = Vec::new();
    for (name, value) in file.iter().filter(|(name, _)| name.get_ref().as_ref() != PROFILE) {
        let name_text = name.get_ref().to_string();
        let keys = keys(table((name, value), &name_text, source)?);
        services.push((name.span().start, name_text, keys));
    }
    services.sort_by_key(|(place, _, _)| *place);
    let mut services: Vec<(String, Keys<'k, 'i>)> = services.into_iter().map(|(_, name, keys)| (name, keys)).collect();
    if let Some(profile) = profile {
        lay_over(&mut services, file, profile, source)?;
    }
    Ok(services)
}

/// Lists what the profiles that are not asked for say of services.
pub(super) fn unused<'k, 'i>(
    file: &'k DeTable<'i>,
    profile: Option<&str>,
    source: &Source<'_>,
) -> Result<Vec<Keys<'k, 'i>>, Fault> {
    let Some(profiles) = profiles(file, source)? else { return Ok(Vec::new()) };
    let mut unused = Vec::new();
    for (name, value) in profiles.iter().filter(|(name, _)| Some(name.get_ref().as_ref()) != profile) {
        unused.extend(of_profile((name, value), source)?.into_iter().map(|(_, keys)| keys));
    }
    Ok(unused)
}

fn profiles<'k, 'i>(file: &'k DeTable<'i>, source: &Source<'_>) -> Result<Option<&'k DeTable<'i>>, Fault> {
    let found = file.iter().find(|(name, _)| name.get_ref().as_ref() == PROFILE);
    found.map(|found| table(found, "profile.PROFILE.NAME", source)).transpose()
}

/// Lists what a profile says of services, by their names.
fn of_profile<'k, 'i>(
    (name, value): (&Spanned<Cow<'i, str>>, &'k Spanned<DeValue<'i>>),
    source: &Source<'_>,
) -> Result<Vec<(String, Keys<'k, 'i>)>, Fault> {
    let profile = format!("{PROFILE}.{}", name.get_ref());
    let services = table((name, value), &format!("{profile}.NAME"), source)?.iter();
    let read = services.map(|(service, value)| {
        let name = service.get_ref().to_string();
        let keys = keys(table((service, value), &format!("{profile}.{name}"), source)?);
        Ok((name, keys))
    });
    read.collect()
}

/// Returns where the first key of a service stands.
pub(super) fn first(keys: &Keys<'_, '_>) -> usize {
    keys.values().map(|written| written.at.start).min().unwrap_or_default()
}

/// Returns where the value of a service's key was written, if it was.
pub(super) fn place(services: &[(String, Keys<'_, '_>)], service: &str, key: &str) -> Range<usize> {
    let keys = services.iter().find(|(name, _)| name == service).map(|(_, keys)| keys);
    keys.and_then(|keys| Some(keys.get(key)?.value.span())).unwrap_or_default()
}

/// Returns where a service says what it needs: its dependencies, else the first key that names another one's port.
pub(super) fn place_of_needs(services: &[(String, Keys<'_, '_>)], service: &str) -> Range<usize> {
    let keys = services.iter().find(|(name, _)| name == service).map(|(_, keys)| keys);
    let said = keys.and_then(|keys| Some(keys.get("depends_on")?.value.span()));
    let named = || keys?.values().filter_map(|written| within(written.value, ".port}")).min_by_key(|span| span.start);
    said.or_else(named).unwrap_or_default()
}

/// Returns where a text stands in the value of a service's key; where that is not found, the value's place.
pub(super) fn place_of(services: &[(String, Keys<'_, '_>)], service: &str, key: &str, text: &str) -> Range<usize> {
    let keys = services.iter().find(|(name, _)| name == service).map(|(_, keys)| keys);
    let written = keys.and_then(|keys| keys.get(key)).into_iter();
    let mut values = written.flat_map(|written| [Some(written.value), written.under]).flatten();
    values.find_map(|value| within(value, text)).unwrap_or_else(|| place(services, service, key))
}

/// Returns where a text stands in a value.
pub(super) fn within(value: &Spanned<DeValue<'_>>, text: &str) -> Option<Range<usize>> {
    match value.get_ref() {
        DeValue::String(found) => found.contains(text).then(|| value.span()),
        DeValue::Array(values) => values.iter().find_map(|value| within(value, text)),
        DeValue::Table(table) => table.values().find_map(|value| within(value, text)),
        _ => None,
    }
}

fn lay_over<'k, 'i>(
    services: &mut Vec<(String, Keys<'k, 'i>)>,
    file: &'k DeTable<'i>,
    profile: &str,
    source: &Source<'_>,
) -> Result<(), Fault> {
    let known = profiles(file, source)?;
    let wanted = known.and_then(|known| known.iter().find(|(name, _)| name.get_ref().as_ref() == profile));
    let Some((name, value)) = wanted else {
        let at = file.get_key_value(PROFILE).map(|(name, _)| name.span()).unwrap_or_default();
        let fault = source.fault(&at, format!("there is no profile {profile:?}"));
        let names = known.into_iter().flat_map(DeTable::iter).map(|(name, _)| name.get_ref().as_ref());
        return Err(fault.suggest(profile, names));
    };
    for (name, overlay) in of_profile((name, value), source)? {
        match services.iter_mut().find(|(known, _)| *known == name) {
            Some((_, keys)) => {
                for (key, over) in overlay {
                    let under = keys.get(&key).filter(|_| key == "env").map(|written| written.value);
                    keys.insert(key, Written { under, ..over });
                }
            }
            None => services.push((name, overlay)),
        }
    }
    Ok(())
}

/// Reads a table; `written` is how that of a service stands there.
fn table<'k, 'i>(
    (name, value): (&Spanned<Cow<'i, str>>, &'k Spanned<DeValue<'i>>),
    written: &str,
    source: &Source<'_>,
) -> Result<&'k DeTable<'i>, Fault> {
    let wrong = || {
        let (name_text, kind) = (name.get_ref(), value.get_ref().type_str());
        source
            .fault(&name.span(), format!("{name_text} has to be a table, not {kind}: a service is written [{written}]"))
    };
    value.get_ref().as_table().ok_or_else(wrong)
}

fn keys<'k, 'i>(table: &'k DeTable<'i>) -> Keys<'k, 'i> {
    let written = |(key, value): (&Spanned<_>, &'k _)| Written { at: key.span(), value, under: None };
    table.iter().map(|(key, value)| (key.get_ref().replace('-', "_"), written((key, value)))).collect()
}
