package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A message's metadata in the file is a record: a version byte, flags, size, body number,
// times, digest, and five texts with their lengths. A sixth text, in JSON, has the metadata
// that few messages have.
const recordVersion = 1

const (
	flagSuccessReport = 1 << iota
	flagReceived
	flagExpires
	flagSum
	flagMore   // there is a sixth text
	flagsKnown = flagSuccessReport | flagReceived | flagExpires | flagSum | flagMore
)

var (
	errRecord  = errors.New("damaged record")
	errVersion = errors.New("record of a later version")
)

// ErrMetaTime means that a time of the metadata is not in the years 1 to 9999.
var ErrMetaTime = errors.New("store: time out of range")

// rawRecord is a record whose texts are slices of the file.
type rawRecord struct {
	recipient, sender, connection, messageID, contentType []byte
	more                                                  []byte // recordMore; nil without

	sum     []byte
	success bool
	size    int64
	body    uint64
	times   [2]recordTime // received, expires
}

type recordTime struct {
	set     bool
	seconds int64
	nanos   int64
}

func (t recordTime) time() time.Time {
	if !t.set {
		return time.Time{}
	}
	return time.Unix(t.seconds, t.nanos).UTC()
}

// recordMore has the metadata that few messages have.
type recordMore struct {
	SenderName string `json:"name,omitempty"`
	File       *File  `json:"file,omitempty"`
}

// encodeMore makes the sixth text; nil if there is none.
func encodeMore(m *MessageInfo) ([]byte, error) {
	if m.SenderName == "" && m.File == nil {
		return nil, nil
	}
	return json.Marshal(recordMore{m.SenderName, m.File})
}

func encodeRecord(m *MessageInfo) ([]byte, error) {
	more, err := encodeMore(m)
	if err != nil {
		return nil, err
	}
	flags := byte(0)
	if more != nil {
		flags |= flagMore
	}
	if m.SuccessReport {
		flags |= flagSuccessReport
	}
	for i, t := range []time.Time{m.Received, m.Expires} {
		if t.IsZero() {
			continue
		}
		if y := t.UTC().Year(); y < 1 || y > 9999 {
			return nil, ErrMetaTime
		}
		flags |= flagReceived << i
	}
	if m.Sum != nil {
		flags |= flagSum
	}
	b := make([]byte, 0, 128+len(m.Recipient)+len(m.Sender)+len(m.ConnectionID)+len(m.MessageID)+len(m.ContentType))
	b = append(b, recordVersion, flags)
	b = binary.AppendUvarint(b, uint64(m.Size))
	b = binary.AppendUvarint(b, m.Body)
	for _, t := range []time.Time{m.Received, m.Expires} {
		if !t.IsZero() {
			b = binary.AppendVarint(b, t.Unix())
			b = binary.AppendUvarint(b, uint64(t.Nanosecond()))
		}
	}
	b = append(b, m.Sum...)
	for _, text := range []string{m.Recipient, m.Sender, m.ConnectionID, m.MessageID, m.ContentType} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	if more != nil {
		b = binary.AppendUvarint(b, uint64(len(more)))
		b = append(b, more...)
	}
	return b, nil
}

// decodeRaw decodes a record. Its texts are slices of v.
func decodeRaw(v []byte) (r rawRecord, err error) {
	if len(v) < 2 {
		return r, errRecord
	}
	if v[0] != recordVersion || v[1]&^flagsKnown != 0 {
		return r, errVersion
	}
	d := decoder{v[2:], true}
	flags := v[1]
	r.success = flags&flagSuccessReport != 0
	r.size, r.body = int64(d.uvarint()), d.uvarint()
	for i := range r.times {
		if flags&(flagReceived<<i) != 0 {
			r.times[i] = recordTime{true, d.varint(), int64(d.uvarint())}
		}
	}
	if flags&flagSum != 0 {
		r.sum = d.bytes(sumSize)
	}
	for _, text := range []*[]byte{&r.recipient, &r.sender, &r.connection, &r.messageID, &r.contentType} {
		*text = d.bytes(d.uvarint())
	}
	if flags&flagMore != 0 {
		r.more = d.bytes(d.uvarint())
	}
	if !d.ok || len(d.left) > 0 || r.size < 0 {
		return r, errRecord
	}
	return r, nil
}

const sumSize = 32 // bytes of a SHA-256

// A decoder reads values from the front of left. ok is false after a value that is
// missing.
type decoder struct {
	left []byte
	ok   bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.left)
	if n <= 0 {
		d.ok, d.left = false, nil
		return 0
	}
	d.left = d.left[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.left)
	if n <= 0 {
		d.ok, d.left = false, nil
		return 0
	}
	d.left = d.left[n:]
	return v
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.left)) {
		d.ok, d.left = false, nil
		return nil
	}
	b := d.left[:n]
	d.left = d.left[n:]
	return b
}

// message makes a MessageInfo that is valid after the transaction.
func (r *rawRecord) message(id ID) (MessageInfo, error) {
	var more recordMore
	if r.more != nil {
		if err := json.Unmarshal(r.more, &more); err != nil {
			return MessageInfo{}, fmt.Errorf("store: damaged message %d: %w: %w", id, errRecord, err)
		}
	}
	return MessageInfo{
		Meta: Meta{
			Recipient: string(r.recipient), Sender: string(r.sender), ConnectionID: string(r.connection),
			MessageID: string(r.messageID), ContentType: string(r.contentType), SuccessReport: r.success,
			SenderName: more.SenderName, File: more.File,
			Received: r.times[0].time(), Expires: r.times[1].time(),
		},
		ID: id, Size: r.size, Sum: append([]byte(nil), r.sum...), Body: r.body,
	}, nil
}

// decodeMessage decodes a record.
func decodeMessage(id ID, v []byte) (MessageInfo, error) {
	r, err := decodeRaw(v)
	if err != nil {
		return MessageInfo{}, fmt.Errorf("store: damaged message %d: %w", id, err)
	}
	return r.message(id)
}

// texts returns all strings of the metadata. They must be UTF-8.
func (m *Meta) texts() []string {
	list := []string{m.Recipient, m.Sender, m.ConnectionID, m.MessageID, m.ContentType, m.SenderName}
	if f := m.File; f != nil {
		list = append(list, f.Name, f.Type, f.Hash, f.Disposition)
	}
	return list
}
