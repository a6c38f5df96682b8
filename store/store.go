package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Limits of a store.
const (
	// SegmentSize is the most of a body, in bytes, that is kept in memory, and
	// in one key of the file.
	SegmentSize = 64 << 10
	// MaxBatch and MaxBatchBytes bound what one transaction takes.
	MaxBatch      = 1024
	MaxBatchBytes = 8 << 20
	// MaxMeta bounds a message's metadata, in bytes as it is written.
	MaxMeta = 32 << 10

	lockWait    = 5 * time.Second // for another process to let go of the file
	initialMmap = 64 << 20        // bytes; growing it later stops all readers
)

var (
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("store: closed")
	// ErrNotFound says that there is no such message, or no more.
	ErrNotFound = errors.New("store: no such message")
	// ErrMetaTooLong says that URIs and headers of a message are too long.
	ErrMetaTooLong = errors.New("store: metadata too long")
	// ErrMetaNotUTF8 says that a string of the metadata is not UTF-8, and so
	// would not come back from the file as it was given.
	ErrMetaNotUTF8 = errors.New("store: metadata is not UTF-8")
	// ErrEnded says that the Writer was used after Commit or Abort.
	ErrEnded = errors.New("store: message has ended")
)

var (
	messagesBucket = []byte("messages")
	bodiesBucket   = []byte("bodies")
	openBucket     = []byte("open")
)

// Options of a store. The zero value works.
type Options struct {
	Logger *slog.Logger
	Limits Limits
}

// ID names a message in its store. IDs grow in the order of commits.
type ID uint64

// Meta is what is known of a message beside its body.
type Meta struct {
	Recipient     string    `json:"r"` // canonical SIP URI
	Sender        string    `json:"s"` // canonical SIP URI
	ConnectionID  string    `json:"c,omitempty"`
	MessageID     string    `json:"m,omitempty"`
	ContentType   string    `json:"t,omitempty"`
	SuccessReport bool      `json:"p,omitempty"` // the sender asked for one
	Received      time.Time `json:"d"`
}

// MessageInfo is one message that is kept.
type MessageInfo struct {
	Meta
	ID   ID    `json:"-"`
	Size int64 `json:"n"` // bytes of the body

	Body uint64 `json:"b"` // its number in the bucket of bodies
}

// Store is an open store.
type Store struct {
	db       *bolt.DB
	log      *slog.Logger
	limits   Limits
	jobs     chan *job
	stop     chan struct{}
	stopped  chan struct{}
	once     sync.Once
	closeErr error
	nextBody atomic.Uint64

	mu    sync.RWMutex
	index index
	seq   uint64 // the last ID; for the committer
	stats Stats
}

// Open opens or creates the file at path. A file that another process holds is
// an error after five seconds. Leftovers of messages that were not finished are
// removed.
func Open(path string, opt Options) (*Store, error) {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout: lockWait, FreelistType: bolt.FreelistMapType, NoFreelistSync: true, InitialMmapSize: initialMmap,
	})
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	s := &Store{
		db: db, log: opt.Logger, limits: opt.Limits, index: newIndex(),
		jobs: make(chan *job, MaxBatch), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if err := s.load(); err != nil {
		db.Close()
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	go s.commitLoop()
	return s, nil
}

// load rebuilds the index and removes what is left of unfinished messages. It
// reads no body.
func (s *Store) load() error {
	return s.db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{messagesBucket, bodiesBucket, openBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		err := tx.Bucket(messagesBucket).ForEach(func(k, v []byte) error {
			var m MessageInfo
			if len(k) != 8 {
				return fmt.Errorf("damaged message %x: not a sequence number", k)
			}
			if err := json.Unmarshal(v, &m); err != nil {
				return fmt.Errorf("damaged message %x: %w", k, err)
			}
			m.ID = ID(binary.BigEndian.Uint64(k))
			s.index.add(m)
			s.seq = uint64(m.ID)
			s.nextBody.Store(max(s.nextBody.Load(), m.Body))
			return nil
		})
		if err != nil {
			return err
		}
		s.seq = max(s.seq, tx.Bucket(messagesBucket).Sequence()) // IDs of deleted messages are not given again
		return s.dropUnfinished(tx)
	})
}

// dropUnfinished removes the bodies that the bucket "open" names.
func (s *Store) dropUnfinished(tx *bolt.Tx) error {
	n := 0
	c := tx.Bucket(openBucket).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.First() {
		body := binary.BigEndian.Uint64(k)
		if _, err := deleteBody(tx.Bucket(bodiesBucket), body); err != nil {
			return err
		}
		if err := c.Delete(); err != nil {
			return err
		}
		n++
	}
	if n > 0 {
		s.log.Info("removed what was written of unfinished messages", "messages", n)
	}
	return nil
}

// Close waits for what was committed to be on disk and closes the file. It may
// be called again.
func (s *Store) Close() error {
	s.once.Do(func() {
		close(s.stop)
		<-s.stopped
		s.closeErr = s.db.Close()
	})
	return s.closeErr
}

// Delete removes messages and returns when that is on disk. One that does not
// exist is passed over.
func (s *Store) Delete(ctx context.Context, ids ...ID) error {
	j := newJob()
	j.remove = ids
	if err := s.submit(ctx, j); err != nil {
		return err
	}
	return s.wait(ctx, j)
}

func messageKey(id ID) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

func bodyKey(body uint64, segment uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, body), segment)
}

// deleteBody removes all segments of a body and returns their number.
func deleteBody(bodies *bolt.Bucket, body uint64) (int, error) {
	n := 0
	c := bodies.Cursor()
	for k, _ := c.Seek(bodyKey(body, 0)); k != nil && binary.BigEndian.Uint64(k) == body; k, _ = c.Seek(bodyKey(body, 0)) {
		if err := bodies.Delete(k); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
