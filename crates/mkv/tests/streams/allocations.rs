//! Reading blocks allocates nothing, wherever they are cut.

use allocation_counter::measure;
use tympan_mkv::fragment::{BlockHeader, FragmentReader, FragmentSink};
use tympan_mkv::read::Reader;
use tympan_mkv::{Limits, write};

const BLOCKS: u64 = 20_000;
const FRAME_BYTES: usize = 320;

/// One document with Clusters of 50 frames of 20 ms.
fn call() -> Vec<u8> {
    let mut out = Vec::new();
    let tracks = [write::TrackHead::connect(1, "AUDIO_FROM_CUSTOMER")];
    write::DocumentHead::connect([1; 16], &tracks).write(&mut out);
    for block in 0..BLOCKS {
        if block % 50 == 0 {
            write::cluster_start(&mut out, block * 20);
        }
        write::simple_block(
            &mut out,
            1,
            (block % 50 * 20) as i16,
            write::FLAG_KEYFRAME,
            &[0x55; FRAME_BYTES],
        );
    }
    out
}

#[derive(Default)]
struct Count {
    blocks: u64,
    payload_bytes: usize,
}

impl FragmentSink for Count {
    fn block(&mut self, _block: BlockHeader, payload: &[u8], last: bool) {
        self.blocks += u64::from(last);
        self.payload_bytes += payload.len();
    }
}

#[test]
fn the_element_reader_never_allocates() {
    let call = call();
    for piece in [7, 4096, call.len()] {
        let allocations = measure(|| {
            let mut reader = Reader::new(Limits::default());
            for mut rest in call.chunks(piece) {
                while reader.next(&mut rest).unwrap().is_some() {}
            }
            while reader.finish().unwrap().is_some() {}
        });
        assert_eq!(allocations.count_total, 0, "in pieces of {piece}");
    }
}

#[test]
fn the_fragment_reader_allocates_for_the_head_and_for_no_block() {
    let call = call();
    for piece in [7, 4096, call.len()] {
        let mut count = Count::default();
        let allocations = measure(|| {
            let mut reader = FragmentReader::new(Limits::default());
            for piece in call.chunks(piece) {
                reader.push(piece, &mut count).unwrap();
            }
            reader.finish(&mut count).unwrap();
        });
        assert_eq!((count.blocks, count.payload_bytes), (BLOCKS, BLOCKS as usize * FRAME_BYTES));
        assert!(allocations.count_total < 20, "{} in pieces of {piece}", allocations.count_total);
        assert!(allocations.bytes_max < 1024, "{} bytes in pieces of {piece}", allocations.bytes_max);
    }
}

#[test]
fn what_never_ends_occupies_no_memory() {
    let mut hostile = Vec::new();
    write::ebml_header(&mut hostile);
    write::segment_header_unknown_8(&mut hostile);
    write::cluster_start(&mut hostile, 0);
    hostile.extend([0xA3, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0x81, 0, 0, 0]);
    let allocations = measure(|| {
        let mut reader = FragmentReader::new(Limits::default());
        reader.push(&hostile, &mut Count::default()).unwrap();
        let noise = [0; 1000];
        (0..10_000).for_each(|_| reader.push(&noise, &mut Count::default()).unwrap());
    });
    assert_eq!(allocations.count_total, 0);
}
