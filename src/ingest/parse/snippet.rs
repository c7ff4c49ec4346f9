use crate::text::Printable;

/// The first characters of a field, for a message.
pub(super) fn snippet(bytes: &[u8], chars: usize) -> String {
    let cut = &bytes[..bytes.len().min(4 * (chars + 1))];
    let text = String::from_utf8_lossy(cut);
    let end = text.char_indices().nth(chars).map(|(end, _)| end);
    let mut shown = Printable(&text[..end.unwrap_or(text.len())]).to_string();
    if cut.len() < bytes.len() || end.is_some() {
        shown.push('…');
    }
    shown
}
