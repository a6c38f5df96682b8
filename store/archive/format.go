package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gomscp/gomscp/store"
)

// exportHeader is the first line of a file of version 1.
const exportHeader = "mscp-messages 1\n"

// A FormatError is the place and the reason of a format error in a file. For a file that
// was cut off it wraps io.ErrUnexpectedEOF. See EXPORT.md.
type FormatError struct {
	Offset int64  // bytes from the beginning of the file
	Rule   string // the rule of EXPORT.md that is broken
	Err    error  // the cause, or nil
}

func (e *FormatError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("store: import: byte %d: %s: %v", e.Offset, e.Rule, e.Err)
	}
	return fmt.Sprintf("store: import: byte %d: %s", e.Offset, e.Rule)
}

func (e *FormatError) Unwrap() error { return e.Err }

// exportMeta is the metadata of a message, or the trailer.
type exportMeta struct {
	Recipient     string       `json:"recipient,omitempty"`
	Sender        string       `json:"sender,omitempty"`
	Connection    string       `json:"connection,omitempty"`
	MessageID     string       `json:"messageId,omitempty"`
	ContentType   string       `json:"contentType,omitempty"`
	SuccessReport bool         `json:"successReport,omitempty"`
	Received      time.Time    `json:"received,omitzero"`
	Expires       time.Time    `json:"expires,omitzero"`
	Size          *int64       `json:"size,omitempty"`
	SHA256        string       `json:"sha256,omitempty"`
	SenderName    string       `json:"senderName,omitempty"`
	File          *store.File  `json:"file,omitempty"`
	Aside         *exportAside `json:"aside,omitempty"`

	exportTrailer
}

// exportTrailer is the last line of a file.
type exportTrailer struct {
	End      bool   `json:"end,omitempty"`
	Messages *int   `json:"messages,omitempty"`
	Bytes    *int64 `json:"bytes,omitempty"`
	Damaged  int    `json:"damaged,omitempty"`
}

type exportAside struct {
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

// An exportWriter writes the format.
type exportWriter struct {
	w    *bufio.Writer
	done store.Progress
}

func newExportWriter(w io.Writer) *exportWriter {
	e := &exportWriter{w: bufio.NewWriterSize(w, store.SegmentSize)}
	_, _ = e.w.WriteString(exportHeader) // bufio keeps the error, and end returns it
	return e
}

// begin writes a message's metadata.
func (e *exportWriter) begin(m *exportMeta) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(line)+1 > maxExportLine {
		return store.ErrMetaTooLong
	}
	_, _ = e.w.Write(line)
	return e.w.WriteByte('\n')
}

// piece writes a part of the body, of at most SegmentSize bytes.
func (e *exportWriter) piece(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	_, _ = e.w.WriteString(strconv.Itoa(len(p)) + "\n")
	_, _ = e.w.Write(p)
	return e.w.WriteByte('\n')
}

// finish ends a message. whole is false if the message was deleted meanwhile.
func (e *exportWriter) finish(size int64, whole bool) error {
	if !whole {
		_, err := e.w.WriteString("-\n")
		return err
	}
	e.done.Messages++
	e.done.Bytes += size
	_, err := e.w.WriteString("0\n")
	return err
}

// end writes the trailer, which counts the messages written, and those left out as
// damaged.
func (e *exportWriter) end(damaged int) error {
	if err := e.begin(&exportMeta{exportTrailer: exportTrailer{true, &e.done.Messages, &e.done.Bytes, damaged}}); err != nil {
		return err
	}
	return e.w.Flush()
}

// An exportReader reads the format. It holds one line or piece at a time.
type exportReader struct {
	r      *bufio.Reader
	offset int64 // of the line or piece being read
	done   store.Progress
}

func newExportReader(r io.Reader) *exportReader {
	return &exportReader{r: bufio.NewReaderSize(r, maxExportLine)}
}

func (e *exportReader) fault(rule string, err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &FormatError{e.offset, rule, err}
}

func (e *exportReader) header() error {
	line, err := e.line()
	if err != nil {
		return err
	}
	if string(line) != exportHeader[:len(exportHeader)-1] {
		return e.fault("not the header of version 1", nil)
	}
	return nil
}

// line reads a line, which is valid until the next read, without its LF.
func (e *exportReader) line() ([]byte, error) {
	line, err := e.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, e.fault("line too long", nil)
	}
	if err != nil {
		return nil, e.fault("cut off", err)
	}
	e.offset += int64(len(line))
	return line[:len(line)-1], nil
}

// next reads a message's metadata; io.EOF after the trailer.
func (e *exportReader) next() (*exportMeta, error) {
	line, err := e.line()
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(line) {
		return nil, e.fault("metadata is not UTF-8", nil)
	}
	m := &exportMeta{}
	if err := json.Unmarshal(line, m); err != nil {
		return nil, e.fault("metadata", err)
	}
	if m.End {
		return nil, e.trailer(m)
	}
	if m.Size == nil || *m.Size < 0 {
		return nil, e.fault("no size", nil)
	}
	if sum, err := hex.DecodeString(m.SHA256); err != nil || len(sum) != sha256.Size {
		return nil, e.fault("no sha256", err)
	}
	return m, nil
}

func (e *exportReader) trailer(m *exportMeta) error {
	if m.Messages == nil || m.Bytes == nil || *m.Messages != e.done.Messages || *m.Bytes != e.done.Bytes {
		return e.fault("the trailer counts other messages", nil)
	}
	if _, err := e.r.ReadByte(); err == nil {
		return e.fault("more after the trailer", nil)
	} else if !errors.Is(err, io.EOF) {
		return e.fault("after the trailer", err)
	}
	return io.EOF
}

// body copies a message's body to w. It reports whether the body is whole: it is not
// if the message was deleted during the export.
func (e *exportReader) body(m *exportMeta, w io.Writer) (whole bool, err error) {
	sum := sha256.New()
	size := int64(0)
	for {
		line, err := e.line()
		if err != nil {
			return false, err
		}
		switch string(line) {
		case "-":
			return false, nil
		case "0":
			return true, e.check(m, size, sum)
		}
		n, err := strconv.Atoi(string(line))
		if err != nil || n < 1 || n > store.SegmentSize || strconv.Itoa(n) != string(line) {
			return false, e.fault("length of a piece", err)
		}
		if size += int64(n); size > *m.Size {
			return false, e.fault("more bytes than the size says", nil)
		}
		if err := e.piece(n, io.MultiWriter(w, sum)); err != nil {
			return false, err
		}
	}
}

func (e *exportReader) piece(n int, w io.Writer) error {
	p, err := e.r.Peek(n + 1)
	if err != nil {
		return e.fault("cut off", err)
	}
	if p[n] != '\n' {
		return e.fault("no line end behind a piece", nil)
	}
	if _, err := w.Write(p[:n]); err != nil {
		return err
	}
	_, _ = e.r.Discard(n + 1)
	e.offset += int64(n) + 1
	return nil
}

func (e *exportReader) check(m *exportMeta, size int64, sum hash.Hash) error {
	want, _ := hex.DecodeString(m.SHA256)
	if size != *m.Size {
		return e.fault("fewer bytes than the size says", nil)
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return e.fault("the body has another sha256", nil)
	}
	e.done.Messages++
	e.done.Bytes += size
	return nil
}
