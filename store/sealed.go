package store

import (
	"encoding/binary"
	"errors"
	"sort"
)

// A sealed extent has the records of an extent's messages in one value, so that Open reads
// few long parts of the file: a version byte, the bytes of the extent's bodies, the number
// of records, the place in the extent and the end of each record, and the records.
const (
	sealedVersion = 1
	sealedHead    = 1 + 8 + 4
	sealedEntry   = 2 + 4
)

var errSealed = errors.New("damaged extent")

type sealedExtent struct {
	table   []byte
	records []byte
	weight  int64 // bytes of the extent's bodies in the file, also of deleted ones
}

// A sealer builds a sealed extent.
type sealer struct {
	table   []byte
	records []byte
}

func (s *sealer) add(id ID, record []byte) {
	_, place := extentOf(id)
	if s.records == nil {
		s.records = make([]byte, 0, extentLength*min(len(record)+len(record)/8, 4*recordCost)) // most are as long as the first
		s.table = make([]byte, 0, extentLength*sealedEntry)
	}
	s.records = append(s.records, record...)
	s.table = binary.BigEndian.AppendUint16(s.table, uint16(place))
	s.table = binary.BigEndian.AppendUint32(s.table, uint32(len(s.records)))
}

func (s *sealer) bytes(weight int64) []byte {
	b := make([]byte, 0, sealedHead+len(s.table)+len(s.records))
	b = append(b, sealedVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(weight))
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.table)/sealedEntry))
	return append(append(b, s.table...), s.records...)
}

// openSealed checks the value, except for the records themselves.
func openSealed(v []byte) (sealedExtent, error) {
	if len(v) < sealedHead || v[0] != sealedVersion {
		return sealedExtent{}, errSealed
	}
	n := uint64(binary.BigEndian.Uint32(v[9:]))
	if n > extentLength || uint64(len(v)-sealedHead) < n*sealedEntry {
		return sealedExtent{}, errSealed
	}
	rest := v[sealedHead:]
	return sealedExtent{rest[:n*sealedEntry], rest[n*sealedEntry:], int64(binary.BigEndian.Uint64(v[1:]))}, nil
}

func (s *sealedExtent) len() int { return len(s.table) / sealedEntry }

func (s *sealedExtent) place(i int) int {
	return int(binary.BigEndian.Uint16(s.table[i*sealedEntry:]))
}

func (s *sealedExtent) ends(i int) int {
	return int(binary.BigEndian.Uint32(s.table[i*sealedEntry+2:]))
}

// record returns the record with index i, nil if the table is damaged.
func (s *sealedExtent) record(i int) []byte {
	from, to := 0, s.ends(i)
	if i > 0 {
		from = s.ends(i - 1)
	}
	if from > to || to > len(s.records) {
		return nil
	}
	return s.records[from:to]
}

// find returns the record at a place of the extent, or nil. If the binary search fails,
// it searches the whole table, because damage may have put it out of order.
func (s *sealedExtent) find(place int) []byte {
	i := sort.Search(s.len(), func(i int) bool { return s.place(i) >= place })
	if i < s.len() && s.place(i) == place {
		return s.record(i)
	}
	for i := range s.len() {
		if s.place(i) == place {
			return s.record(i)
		}
	}
	return nil
}
