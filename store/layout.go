package store

import (
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// The buckets of the file.
var (
	freshBucket  = []byte("fresh")  // records of the last extent by ID
	sealedBucket = []byte("sealed") // records of the others by number of extent, see sealed.go
	dataBucket   = []byte("data")   // a bucket for each extent: bodies of one segment by ID
	bodiesBucket = []byte("bodies") // longer ones, by number of body and of segment
	openBucket   = []byte("open")   // numbers of bodies whose messages are not committed
	asideBucket  = []byte("aside")  // why messages are set aside, by ID
	deadBucket   = []byte("dead")   // log of deleted messages: IDs, by a number that grows
	lostBucket   = []byte("lost")   // damaged pages by number of extent; only in a file with damage

	buckets = [][]byte{freshBucket, sealedBucket, dataBucket, bodiesBucket, openBucket, asideBucket, deadBucket}
)

// lastID is the last ID that was given to a message. Older files have it as the sequence
// of the sealed records.
func lastID(tx *bolt.Tx) ID {
	return ID(max(tx.Bucket(openBucket).Sequence(), tx.Bucket(sealedBucket).Sequence()))
}

// setLastID notes it with a bucket that is small: bbolt writes the root page of the
// bucket again, and that of the sealed records has up to four of them, 2 MB.
func setLastID(tx *bolt.Tx, id ID) error { return tx.Bucket(openBucket).SetSequence(uint64(id)) }

func messageKey(id ID) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

func extentKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func bodyKey(body uint64, segment uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, body), segment)
}

// readRecord returns a message's record, or nil if it does not exist. The record is valid
// within the transaction.
func readRecord(tx *bolt.Tx, id ID) ([]byte, error) {
	if v := tx.Bucket(freshBucket).Get(messageKey(id)); v != nil {
		return v, nil
	}
	n, place := extentOf(id)
	v := tx.Bucket(sealedBucket).Get(extentKey(n))
	if v == nil {
		return nil, nil
	}
	sealed, err := openSealed(v)
	if err != nil {
		return nil, fmt.Errorf("%w: extent %d: %w", ErrDamaged, n, err)
	}
	return sealed.find(place), nil
}

// readMessage returns a message's metadata. The error is ErrNotFound or wraps ErrDamaged.
func readMessage(tx *bolt.Tx, id ID) (MessageInfo, error) {
	v, err := readRecord(tx, id)
	if err != nil {
		return MessageInfo{}, err
	}
	if v == nil {
		return MessageInfo{}, ErrNotFound
	}
	return decodeMessage(id, v)
}

// readSegment fetches a part of a body, which is valid within the transaction;
// nil if it is not there. A body without number is in the extent.
func readSegment(tx *bolt.Tx, id ID, body uint64, segment uint32) []byte {
	if body != 0 {
		return tx.Bucket(bodiesBucket).Get(bodyKey(body, segment))
	}
	n, _ := extentOf(id)
	data := tx.Bucket(dataBucket).Bucket(extentKey(n))
	if data == nil || segment != 0 {
		return nil
	}
	return data.Get(messageKey(id))
}

// deleteBody removes all segments of a body and returns their number. One that
// lies on damaged pages stays as it is, and gives ErrDamaged.
func deleteBody(bodies *bolt.Bucket, body uint64) (int, error) {
	n := 0
	c := bodies.Cursor()
	err := readable(func() {
		for k, _ := c.Seek(bodyKey(body, 0)); k != nil && binary.BigEndian.Uint64(k) == body; k, _ = c.Next() {
		}
	})
	if err != nil {
		return 0, err
	}
	for k, _ := c.Seek(bodyKey(body, 0)); k != nil && binary.BigEndian.Uint64(k) == body; k, _ = c.Seek(bodyKey(body, 0)) {
		if err := bodies.Delete(k); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
