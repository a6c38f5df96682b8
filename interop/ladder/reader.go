package ladder

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gomscp/gomscp/internal/daemon"
)

// MaxLine bounds a line of a trace file, in bytes. The largest MSCP body (1 MB) fits,
// also with every byte escaped.
const MaxLine = 8 << 20

// A LineError is a line of a trace file that is not a trace record.
type LineError struct {
	File string
	Line int // from 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns the reason.
func (e *LineError) Unwrap() error { return e.Err }

// ErrCut is wrapped by the LineError of an incomplete line.
var ErrCut = errors.New("the record is cut, as when its process is killed; it is left out")

// A Reader reads the records of one trace file.
type Reader struct {
	name   string
	r      *bufio.Reader
	line   int
	buf    []byte
	onCut  func(error)
	offset int64
}

// NewReader returns a reader for the records in r; errors have the name. onCut, if not
// nil, is called for each record that is incomplete because its process was killed.
func NewReader(r io.Reader, name string, onCut func(error)) *Reader {
	if onCut == nil {
		onCut = func(error) {}
	}
	return &Reader{name: name, r: bufio.NewReaderSize(r, 64<<10), onCut: onCut}
}

// Read returns the next record. The error is io.EOF after the last record, or a
// *LineError; the next Read then continues with the next line. Read skips an incomplete
// last line, and an incomplete record that is followed by another one in the same line,
// because its process was killed and started again.
func (r *Reader) Read() (daemon.TraceRecord, error) {
	for {
		line, err := r.readLine()
		whole := err == nil
		if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
			return daemon.TraceRecord{}, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		rec, err := parse(line)
		if err == nil {
			return rec, nil
		}
		if !whole {
			r.onCut(r.fail(ErrCut))
			return rec, io.EOF
		}
		if again, ok := parseAfterCut(line); ok {
			r.onCut(r.fail(ErrCut))
			return again, nil
		}
		return rec, r.fail(err)
	}
}

// Offset returns the number of bytes read.
func (r *Reader) Offset() int64 { return r.offset }

func (r *Reader) fail(err error) error { return &LineError{r.name, r.line, err} }

// readLine returns a line with its end, or without and io.EOF, valid until the
// next call.
func (r *Reader) readLine() ([]byte, error) {
	r.line++
	r.buf = r.buf[:0]
	size := 0
	for {
		part, err := r.r.ReadSlice('\n')
		size += len(part)
		r.offset += int64(len(part))
		if size <= MaxLine {
			r.buf = append(r.buf, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if size > MaxLine && (err == nil || errors.Is(err, io.EOF)) {
			r.buf = nil
			return nil, r.fail(fmt.Errorf("the line is longer than %d bytes", MaxLine))
		}
		return r.buf, err
	}
}

func parse(line []byte) (rec daemon.TraceRecord, err error) {
	if err := json.Unmarshal(line, &rec); err != nil {
		return rec, fmt.Errorf("no trace record: %w", err)
	}
	switch {
	case rec.Time.IsZero():
		err = errors.New("a trace record without time")
	case rec.Node == "":
		err = errors.New("a trace record without node")
	case rec.Protocol != "SIP" && rec.Protocol != "MSCP" && rec.Protocol != "MSRP":
		err = fmt.Errorf("protocol %q is none of SIP, MSCP and MSRP", short(rec.Protocol, 20))
	case rec.Direction != daemon.Sent && rec.Direction != daemon.Received:
		err = fmt.Errorf("direction %q is neither %s nor %s", short(rec.Direction, 20), daemon.Sent, daemon.Received)
	case rec.Local == "" || rec.Peer == "":
		err = errors.New("a trace record without the address local or peer")
	}
	return rec, err
}

// parseAfterCut reads the record that was appended to one that was cut.
func parseAfterCut(line []byte) (daemon.TraceRecord, bool) {
	i := bytes.LastIndex(line, []byte(`{"time":`))
	if i <= 0 {
		return daemon.TraceRecord{}, false
	}
	rec, err := parse(line[i:])
	return rec, err == nil
}
