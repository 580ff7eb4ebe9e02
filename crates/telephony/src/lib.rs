//! What a phone speaks, sans-IO: SDP, RTP timeline, DTMF, G.711, tones, WAV
