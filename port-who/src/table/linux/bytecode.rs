//! Port ranges in the kernel's filter language: `INET_DIAG_REQ_BYTECODE`, `struct inet_diag_bc_op` in `linux/inet_diag.h`.

const JUMP: u8 = 1;
const SOURCE_AT_LEAST: u8 = 2;
const SOURCE_AT_MOST: u8 = 3;
const DESTINATION_AT_LEAST: u8 = 4;
const DESTINATION_AT_MOST: u8 = 5;

/// A comparison takes two words of 4 bytes (code, jump if so, jump if not; then the port), a range two comparisons and
/// the jump to the end behind them.
const BLOCK: u16 = 20;

/// Jumps are 16 bits wide; more ranges than fit are filtered by the caller alone.
const MOST_BLOCKS: usize = 3000;

/// Writes "in this range, or in that one, …"; empty where the kernel cannot filter.
///
/// The kernel accepts a socket when the program ends exactly at its end, and refuses it when a jump leads 4 bytes further.
pub(super) fn bytecode(ranges: &[(u16, u16)], either_end: bool) -> Vec<u8> {
    let source = ranges.iter().map(|&range| (SOURCE_AT_LEAST, SOURCE_AT_MOST, range));
    let destination = ranges.iter().map(|&range| (DESTINATION_AT_LEAST, DESTINATION_AT_MOST, range));
    let blocks: Vec<_> = source.chain(destination.filter(|_| either_end)).collect();
    if blocks.len() > MOST_BLOCKS {
        return Vec::new();
    }
    let mut program = Vec::with_capacity(blocks.len() * usize::from(BLOCK));
    let mut left = u16::try_from(blocks.len()).unwrap_or(0) * BLOCK;
    let mut operation = |code: u8, yes: u8, no: u16| {
        program.extend([code, yes]);
        program.extend(no.to_ne_bytes());
    };
    for (at_least, at_most, (low, high)) in blocks {
        let last = left == BLOCK;
        let beyond = if last { BLOCK + 4 } else { BLOCK };
        operation(at_least, 8, beyond);
        operation(0, 0, low);
        operation(at_most, 8, beyond - 8);
        operation(0, 0, high);
        operation(JUMP, 4, left - (BLOCK - 4));
        left -= BLOCK;
    }
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a program as the kernel does (`inet_diag_bc_run`).
    fn accepts(program: &[u8], source: u16, destination: u16) -> bool {
        let mut at = 0;
        while at < program.len() {
            let word = |at: usize| u16::from_ne_bytes([program[at], program[at + 1]]);
            let (code, yes, no) = (program[at], usize::from(program[at + 1]), usize::from(word(at + 2)));
            let holds = match code {
                JUMP => false,
                SOURCE_AT_LEAST => source >= word(at + 6),
                SOURCE_AT_MOST => source <= word(at + 6),
                DESTINATION_AT_LEAST => destination >= word(at + 6),
                DESTINATION_AT_MOST => destination <= word(at + 6),
                _ => panic!("unknown operation {code}"),
            };
            at += if holds { yes } else { no };
        }
        at == program.len()
    }

    #[test]
    fn a_program_accepts_its_ranges_and_nothing_else() {
        let program = bytecode(&[(80, 80), (8000, 8099), (9000, 9000)], false);
        for (port, expected) in [
            (79, false),
            (80, true),
            (81, false),
            (7999, false),
            (8000, true),
            (8099, true),
            (8100, false),
            (9000, true),
        ] {
            assert_eq!(accepts(&program, port, 80), expected, "{port}");
        }
    }

    #[test]
    fn with_connections_either_end_counts() {
        let program = bytecode(&[(80, 80), (443, 443)], true);
        for (source, destination, expected) in [(80, 5000, true), (5000, 443, true), (5000, 5001, false)] {
            assert_eq!(accepts(&program, source, destination), expected, "{source} {destination}");
        }
    }

    #[test]
    fn the_kernel_is_not_asked_for_more_ranges_than_a_jump_spans() {
        let ranges: Vec<(u16, u16)> = (1..=3001).map(|port| (port * 2, port * 2)).collect();
        assert!(bytecode(&ranges, false).is_empty());
        assert!(accepts(&bytecode(&ranges[..3000], false), 6000, 0));
    }
}
