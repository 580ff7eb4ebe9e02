use super::*;
use proptest::prelude::*;

fn read_all(datagram: &[u8]) -> Result<Vec<RtcpPacket<'_>>, RtcpError> {
    Compound::parse(datagram).map(|compound| compound.packets().collect())
}

const BLOCK: ReportBlock = ReportBlock {
    ssrc: Ssrc(0x0102_0304),
    fraction_lost: 0x40,
    lost: -2,
    highest_sequence: 0x0001_fffe,
    jitter_ticks: 80,
    last_report: 0x1122_3344,
    delay: 0x0001_8000,
};

#[test]
fn a_report_reads_as_it_was_written() {
    let sent =
        SenderInfo { ntp: 0xe000_0000_8000_0000, timestamp: RtpTimestamp(160), packets: 3, bytes: 480 };
    let mut out = Vec::new();
    write_report(Ssrc(7), Some(sent), Some(BLOCK), &mut out);
    write_cname(Ssrc(7), b"abc", &mut out);
    write_bye(Ssrc(7), &mut out);
    assert_eq!(out.len(), 52 + 16 + 8);
    // Figure of RFC 3550 section 6.4.1: V=2, one block, SR, 12 words after the first.
    assert_eq!(out[..8], [0x81, 200, 0, 12, 0, 0, 0, 7]);
    let [
        RtcpPacket::SenderReport { ssrc, sent: read, blocks },
        RtcpPacket::Sdes(names),
        RtcpPacket::Bye(left),
    ] = read_all(&out).unwrap()[..]
    else {
        panic!("{:?}", read_all(&out))
    };
    assert_eq!((ssrc, read), (Ssrc(7), sent));
    assert_eq!(blocks.iter().collect::<Vec<_>>(), [BLOCK]);
    assert_eq!(names.cnames().collect::<Vec<_>>(), [(Ssrc(7), &b"abc"[..])]);
    assert_eq!(left.iter().collect::<Vec<_>>(), [Ssrc(7)]);
}

#[test]
fn a_name_of_any_length_ends_with_a_zero_and_a_whole_word() {
    for length in 0..300 {
        let (name, mut out) = (vec![b'x'; length], Vec::new());
        write_cname(Ssrc(1), &name, &mut out);
        assert_eq!(out.len() % 4, 0);
        let [RtcpPacket::Sdes(names)] = read_all(&out).unwrap()[..] else { panic!("{out:?}") };
        assert_eq!(names.cnames().next().unwrap().1, &name[..length.min(255)]);
    }
}

#[test]
fn a_loss_beyond_24_bits_is_cut() {
    for (lost, read) in [(i32::MAX, 0x7f_ffff), (i32::MIN, -0x80_0000), (-1, -1)] {
        let mut out = Vec::new();
        write_report(Ssrc(1), None, Some(ReportBlock { lost, ..BLOCK }), &mut out);
        let [RtcpPacket::ReceiverReport { blocks, .. }] = read_all(&out).unwrap()[..] else { panic!() };
        assert_eq!(blocks.iter().next().unwrap().lost, read);
    }
}

#[test]
fn padding_other_kinds_and_reasons_are_passed_over() {
    let datagram = [
        0x80, 201, 0, 1, 0, 0, 0, 9, // receiver report without a block
        0x81, 203, 0, 3, 0, 0, 0, 9, 4, b'd', b'o', b'n', b'e', 0, 0, 0, // BYE with a reason
        0x81, 205, 0, 2, 0, 0, 0, 9, 0, 0, 0, 7, // feedback
        0xa0, 201, 0, 2, 0, 0, 0, 9, 0, 0, 0, 4, // receiver report with four bytes of padding
    ];
    let packets = read_all(&datagram).unwrap();
    assert!(matches!(packets[1], RtcpPacket::Bye(left) if left.iter().eq([Ssrc(9)])));
    assert_eq!(packets[2], RtcpPacket::Other(205));
    assert!(matches!(packets[3], RtcpPacket::ReceiverReport { ssrc: Ssrc(9), .. }));
}

#[test]
fn lengths_that_do_not_add_up_are_refused() {
    for (datagram, error) in [
        (&[][..], RtcpError::Length),
        (&[0x80, 201, 0], RtcpError::Length),
        (&[0x80, 201, 0, 2, 0, 0, 0, 9], RtcpError::Length),
        (&[0x81, 201, 0, 1, 0, 0, 0, 9], RtcpError::Length),
        (&[0x80, 200, 0, 1, 0, 0, 0, 9], RtcpError::Length),
        (&[0x80, 201, 0, 1, 0, 0, 0, 9, 0x80], RtcpError::Length),
        (&[0x00, 201, 0, 1, 0, 0, 0, 9], RtcpError::Version),
        // Padding of nothing, and of more than there is.
        (&[0xa0, 201, 0, 1, 0, 0, 0, 0], RtcpError::Length),
        (&[0xa0, 201, 0, 1, 0, 0, 0, 9], RtcpError::Length),
        // A chunk without an end, and an item beyond it.
        (&[0x81, 202, 0, 2, 0, 0, 0, 9, 1, 2, b'a', b'b'], RtcpError::Length),
        (&[0x81, 202, 0, 2, 0, 0, 0, 9, 1, 9, 0, 0], RtcpError::Length),
        (&[0x82, 203, 0, 1, 0, 0, 0, 9], RtcpError::Length),
    ] {
        assert_eq!(read_all(datagram), Err(error), "{datagram:?}");
    }
}

#[test]
fn the_packets_of_a_datagram_are_bounded() {
    let empty = [0x80, 204, 0, 0];
    assert_eq!(read_all(&empty.repeat(Compound::PACKETS_MAX)).unwrap().len(), Compound::PACKETS_MAX);
    assert_eq!(read_all(&empty.repeat(Compound::PACKETS_MAX + 1)), Err(RtcpError::TooMany));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        mut datagram in proptest::collection::vec(any::<u8>(), 0..200),
        kind in 199u8..206,
        words in 0u8..40,
    ) {
        // Mostly headers that could be.
        if let [first, second, high, low, ..] = &mut datagram[..] {
            *first = *first & 0x3f | 0x80;
            (*second, *high, *low) = (kind, 0, words);
        }
        if let Ok(packets) = read_all(&datagram) {
            prop_assert!(packets.len() <= datagram.len() / 4);
            for packet in packets {
                match packet {
                    RtcpPacket::SenderReport { blocks, .. } | RtcpPacket::ReceiverReport { blocks, .. } => {
                        prop_assert!(blocks.iter().count() <= 31);
                    }
                    RtcpPacket::Sdes(names) => {
                        prop_assert!(names.cnames().all(|(_, name)| name.len() <= 255));
                    }
                    RtcpPacket::Bye(left) => prop_assert!(left.iter().count() <= 31),
                    RtcpPacket::Other(_) => {}
                }
            }
        }
    }
}
