package tuning

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A journal keeps the outcomes of a study that is under way, safe against being
// killed at any moment. It is a magic line and then frames: the length of the
// payload and its CRC-32C, 4 bytes little-endian each, and the payload, JSON. The
// first frame says which study it is, every other is one Outcome. A frame that was
// cut short, or never reached the disk whole, ends the journal: what is before it
// counts.
const journalMagic = "scale-eval tuning journal 1\n"

// maxFrame bounds a payload, so that a damaged length is an end and not an allocation.
const maxFrame = 64 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrOtherStudy is wrapped by ReadJournal's error for a journal of other options or
// other data.
var ErrOtherStudy = errors.New("the journal is of another study")

// StartJournal writes the head of a journal. identity names the study: all that
// decides an outcome.
func StartJournal(w io.Writer, identity string) error {
	payload, err := json.Marshal(identity)
	if err != nil {
		return err
	}
	_, err = w.Write(append([]byte(journalMagic), frame(payload)...))
	return err
}

// AppendJournal adds an outcome with a single Write.
func AppendJournal(w io.Writer, o Outcome) error {
	payload, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = w.Write(frame(payload))
	return err
}

func frame(payload []byte) []byte {
	b := make([]byte, 8, 8+len(payload))
	binary.LittleEndian.PutUint32(b, uint32(len(payload)))
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(payload, castagnoli))
	return append(b, payload...)
}

// ReadJournal reads the outcomes of a journal and says how many bytes of it are
// whole: cut the file there before appending. A torn tail is not an error. It errs
// when r is no journal, when its identity is not the given one, or when reading
// fails; each frame is held in memory at a time.
func ReadJournal(r io.Reader, identity string) (outcomes []Outcome, whole int64, err error) {
	b := bufio.NewReader(r)
	magic := make([]byte, len(journalMagic))
	if _, err := io.ReadFull(b, magic); err != nil || string(magic) != journalMagic {
		return nil, 0, fmt.Errorf("no tuning journal: it does not start with %q", journalMagic)
	}
	whole = int64(len(magic))
	for first := true; ; first = false {
		payload, err := readFrame(b)
		if payload == nil {
			if err == nil && first {
				err = fmt.Errorf("%w: it was cut short before it said which", ErrOtherStudy)
			}
			return outcomes, whole, err
		}
		whole += int64(8 + len(payload))
		if first {
			if err := checkIdentity(payload, identity); err != nil {
				return nil, 0, err
			}
			continue
		}
		var o Outcome
		if err := json.Unmarshal(payload, &o); err != nil {
			return outcomes, whole, fmt.Errorf("outcome %d of the journal: %w", len(outcomes)+1, err)
		}
		outcomes = append(outcomes, o)
	}
}

func checkIdentity(payload []byte, want string) error {
	var had string
	if err := json.Unmarshal(payload, &had); err != nil {
		return fmt.Errorf("head of the journal: %w", err)
	}
	if had != want {
		return fmt.Errorf("%w: it says\n  %s\nand this one is\n  %s", ErrOtherStudy, had, want)
	}
	return nil
}

// readFrame is the next payload; nil at the end, torn or not.
func readFrame(r io.Reader) ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, endOf(err)
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n == 0 || n > maxFrame {
		return nil, nil
	}
	payload, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err != nil || len(payload) < int(n) {
		return nil, endOf(err)
	}
	if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, nil
	}
	return payload, nil
}

func endOf(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
