//! Files whose bytes are not the CSV text in UTF-8 that is parsed: converted while they are read.

use std::io::{self, Read, Seek, SeekFrom};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};

use super::json::JsonTrips;
use super::options::FileOptions;

/// Bytes that are converted at a time.
const STEP_BYTES: usize = 1 << 16;

/// Converts bytes in the order of the file.
trait Convert: Send {
    /// Converts the next bytes, and appends the result. `is_last`: whether the file ends with them.
    fn convert(&mut self, bytes: &[u8], is_last: bool, out: &mut Vec<u8>) -> io::Result<()>;

    /// Starts again at the beginning of the file.
    fn restart(&mut self);
}

/// A file as CSV text in UTF-8. Positions are those in the text: seeking converts what it passes
/// over once more.
pub struct Converted<R> {
    source: R,
    encoding: &'static Encoding,
    conversion: Option<Conversion>,
}

/// A conversion under way.
struct Conversion {
    converter: Box<dyn Convert>,
    /// Whether the source ends where the file does.
    is_whole: bool,
    /// What was converted and not read.
    ready: Vec<u8>,
    /// How much of it was read.
    taken: usize,
    /// Position in the text.
    position: u64,
    is_at_end: bool,
}

impl<R: Read + Seek> Converted<R> {
    /// Recognises by its first bytes how a file is to be converted, unless its encoding is given.
    pub fn open(mut source: R, options: &FileOptions) -> io::Result<Self> {
        source.rewind()?;
        let mut head = [0; 64];
        let mut len = 0;
        while len < head.len() {
            match source.read(&mut head[len..])? {
                0 => break,
                read => len += read,
            }
        }
        source.rewind()?;
        let head = &head[..len];
        let marked = Encoding::for_bom(head).map(|(encoding, _)| encoding);
        let encoding = marked.or(options.encoding()).unwrap_or(UTF_8);
        let converter: Option<Box<dyn Convert>> = if encoding == UTF_8 {
            JsonTrips::begins(head).then(|| Box::<JsonTrips>::default() as _)
        } else {
            Some(Box::new(Transcoder {
                encoding,
                decoder: encoding.new_decoder_with_bom_removal(),
            }))
        };
        Ok(Self {
            source,
            encoding,
            conversion: converter.map(|converter| Conversion {
                converter,
                is_whole: !options.is_beginning(),
                ready: Vec::new(),
                taken: 0,
                position: 0,
                is_at_end: false,
            }),
        })
    }

    /// The source.
    pub const fn source(&self) -> &R {
        &self.source
    }

    /// The character encoding.
    pub const fn encoding(&self) -> &'static Encoding {
        self.encoding
    }
}

impl<R: Read + Seek> Read for Converted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.conversion {
            None => self.source.read(buffer),
            Some(conversion) => conversion.read(&mut self.source, buffer),
        }
    }
}

impl<R: Read + Seek> Seek for Converted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let Some(conversion) = &mut self.conversion else {
            return self.source.seek(to);
        };
        let SeekFrom::Start(to) = to else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        if to < conversion.position {
            self.source.rewind()?;
            conversion.converter.restart();
            conversion.ready.clear();
            conversion.taken = 0;
            conversion.position = 0;
            conversion.is_at_end = false;
        }
        let left = to - conversion.position;
        io::copy(&mut self.by_ref().take(left), &mut io::sink())?;
        Ok(to)
    }
}

impl Conversion {
    fn read(&mut self, source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() && !self.is_at_end {
            self.ready.clear();
            self.taken = 0;
            let mut bytes = vec![0; STEP_BYTES];
            let len = match source.read(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            self.is_at_end = len == 0;
            if self.is_at_end && !self.is_whole {
                break;
            }
            self.converter
                .convert(&bytes[..len], self.is_at_end, &mut self.ready)?;
        }
        let left = &self.ready[self.taken..];
        let len = left.len().min(buffer.len());
        buffer[..len].copy_from_slice(&left[..len]);
        self.taken += len;
        self.position += len as u64;
        Ok(len)
    }
}

/// Converts text in another encoding. What is not valid in it becomes U+FFFD.
struct Transcoder {
    encoding: &'static Encoding,
    decoder: Decoder,
}

impl Convert for Transcoder {
    fn convert(&mut self, mut bytes: &[u8], is_last: bool, out: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let start = out.len();
            let most = self.decoder.max_utf8_buffer_length(bytes.len());
            out.resize(start + most.unwrap_or(STEP_BYTES).max(16), 0);
            let (result, read, written, _) =
                self.decoder
                    .decode_to_utf8(bytes, &mut out[start..], is_last);
            out.truncate(start + written);
            bytes = &bytes[read..];
            if result == CoderResult::InputEmpty {
                return Ok(());
            }
        }
    }

    fn restart(&mut self) {
        self.decoder = self.encoding.new_decoder_with_bom_removal();
    }
}

impl Convert for JsonTrips {
    fn convert(&mut self, bytes: &[u8], is_last: bool, out: &mut Vec<u8>) -> io::Result<()> {
        self.add(bytes, is_last, out)
    }

    fn restart(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use encoding_rs::UTF_16LE;

    use super::*;
    use crate::model::TripFormat;

    fn text(bytes: &[u8], label: Option<&str>) -> String {
        let format = TripFormat {
            encoding: label.map(str::to_owned),
            ..TripFormat::default()
        };
        let options = FileOptions::new(&format, "").unwrap();
        let mut converted = Converted::open(Cursor::new(bytes), &options).unwrap();
        let mut text = String::new();
        converted.read_to_string(&mut text).unwrap();
        text
    }

    fn utf_16(text: &str, unit: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        format!("\u{feff}{text}")
            .encode_utf16()
            .flat_map(unit)
            .collect()
    }

    #[test]
    fn text_in_other_encodings_becomes_utf_8() {
        let expected = "Zürich,Łódź,東京,😀\n".repeat(20_000);
        assert_eq!(text(&utf_16(&expected, u16::to_le_bytes), None), expected);
        assert_eq!(text(&utf_16(&expected, u16::to_be_bytes), None), expected);
        let little = &utf_16(&expected, u16::to_le_bytes)[2..];
        assert_eq!(text(little, Some("utf-16le")), expected);
        assert_eq!(text(b"Z\xfcrich \x80", Some("windows-1252")), "Zürich €");
        assert_eq!(text(b"Z\xfcrich", Some("latin1")), "Zürich");
        // A mark outweighs what is said.
        assert_eq!(
            text("\u{feff}Zürich".as_bytes(), Some("latin1")),
            "\u{feff}Zürich"
        );
        assert_eq!(text(b"", None), "");
    }

    #[test]
    fn positions_are_those_in_the_text() {
        let expected = "Zürich,Łódź\n".repeat(30_000);
        let bytes = utf_16(&expected, u16::to_le_bytes);
        let options = FileOptions::default();
        let mut converted = Converted::open(Cursor::new(bytes), &options).unwrap();
        for at in [0, 7, 400_000, 3, 131_072, 131_071] {
            assert_eq!(converted.seek(SeekFrom::Start(at)).unwrap(), at);
            let mut some = [0; 100];
            converted.read_exact(&mut some).unwrap();
            let at = usize::try_from(at).unwrap();
            assert_eq!(some, expected.as_bytes()[at..at + 100]);
        }
        assert_eq!(converted.encoding(), UTF_16LE);
    }
}
