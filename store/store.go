package store

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
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

	// extentLength and extentBytes bound what one extent of the file holds.
	extentLength = 1 << 13  // messages; at most 1 << 16
	extentBytes  = 16 << 20 // bytes of records and bodies

	// pageSize is that of new files, in bytes: larger than the system's, so that
	// messages of 1 KB waste less of their pages and there are fewer pages to look
	// at, and small enough for commits of one message.
	pageSize = 8 << 10

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
	// ErrReadOnly says that the store was opened read-only.
	ErrReadOnly = errors.New("store: read-only")
	// ErrLocked says that another process holds the file.
	ErrLocked = errors.New("store: another process holds the file")
	// ErrWithdrawn says that [Pending.Withdraw] has taken the message back.
	ErrWithdrawn = errors.New("store: message was withdrawn")
	// ErrEnded says that the Writer was used after Commit or Abort.
	ErrEnded = errors.New("store: message has ended")
)

// Options of a store. The zero value works.
type Options struct {
	Logger *slog.Logger
	Limits Limits
	// TimeToLive is how long after its arrival a message expires that has no time
	// of its own to do so; 0: never. See [Store.Expire].
	TimeToLive time.Duration
	// Changed, if it is not nil, is called with a pair after messages for it have come,
	// have gone, were set aside or put back by another way than a Writer of Begin, or
	// Delete: by BeginImport, Purge, Expire, SetAside, Restore, damage, or
	// a commit of which nobody knew whether it had succeeded. It must neither block nor
	// call the store.
	Changed func(recipient, sender string)
	// ReadOnly opens a file at rest to look at it: whatever would change it fails
	// with ErrReadOnly. Several processes may do so at once, none while the file
	// is open for writing.
	ReadOnly bool
	// LockWait is how long Open waits for another process to let go of the file
	// before it fails with ErrLocked; 0: five seconds.
	LockWait time.Duration
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
	SenderName    string    `json:"sn,omitempty"` // display name of the sender
	File          *File     `json:"f,omitempty"`  // what is known of it, if the body is a file
	Expires       time.Time `json:"x,omitzero"`   // when it may be deleted undelivered; zero: never, or Options.TimeToLive after Received
}

// File is what the sender has said of a file that it transfers. See RFC 5547,
// section 6.
type File struct {
	Name        string `json:"name,omitempty"`        // without directories, decoded
	Type        string `json:"type,omitempty"`        // media type
	Size        int64  `json:"size,omitempty"`        // bytes; 0 if it was not said
	Hash        string `json:"hash,omitempty"`        // "sha-1:72:24:..."
	Disposition string `json:"disposition,omitempty"` // "render" or "attachment", as a rule
}

// MessageInfo is one message that is kept.
type MessageInfo struct {
	Meta
	ID   ID     `json:"-"`
	Size int64  `json:"n"`           // bytes of the body
	Sum  []byte `json:"h,omitempty"` // SHA-256 of the body

	Body uint64 `json:"b"` // its number in the bucket of bodies
}

// Store is an open store.
type Store struct {
	disk
	queue
	committer
	log      *slog.Logger
	limits   atomic.Pointer[Limits]
	ttl      time.Duration
	changed  func(recipient, sender string) // or nil
	nextBody atomic.Uint64
	expiring chan struct{} // of capacity 1: taken by the Expire that is under way

	mu      sync.RWMutex
	index   index        // only the committer changes it
	seed    maphash.Seed // of the index, and never another: Writers use it without a lock
	counts  counts
	unread  []error         // why messages could not be decoded at Open, at most maxFaults
	damaged map[ID]struct{} // messages that were found unreadable since, at most maxDamaged
}

// disk is the file, and what is known of its state.
type disk struct {
	path      string
	readOnly  bool
	db        *bolt.DB
	reopening sync.RWMutex  // held for writing while db is replaced
	failing   atomic.Bool   // the last commit may be on disk or not
	broken    atomic.Bool   // messages cannot be added, since pages are damaged
	opened    atomic.Uint64 // how often the file was opened

	commitTx     func(*bolt.Tx) error
	beforeCommit atomic.Pointer[func() error]
}

// queue is the way to the committer.
type queue struct {
	jobs     chan job
	queued   atomic.Int64  // bytes of the jobs in it
	stop     chan struct{} // closed by Close
	stopped  chan struct{} // closed when the committer has ended
	once     sync.Once
	closeErr error
}

// committer is the state of the goroutine that commits; no other one uses it.
type committer struct {
	lastBatch lastBatch
	seq       uint64       // the last ID
	fresh     int64        // bytes of records and bodies of the last extent
	logged    int          // IDs in the log of deleted messages
	wasted    []uint64     // extents to reclaim
	leftover  []unfinished // bodies that could not be removed yet
	writing   uint64       // number of the last transaction
	underWay  []job        // what is being written; guarded by mu of the Store
}

// Open opens or creates the file at path. Leftovers of messages that were not
// finished are removed. A message whose metadata cannot be decoded stays in the
// file unseen: Stats counts it and Check reports it.
func Open(path string, opt Options) (*Store, error) {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.LockWait <= 0 {
		opt.LockWait = lockWait
	}
	db, err := openFile(path, opt)
	if errors.Is(err, berrors.ErrTimeout) {
		err = ErrLocked
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	s := &Store{
		disk:  disk{db: db, path: path, readOnly: opt.ReadOnly, commitTx: (*bolt.Tx).Commit},
		queue: queue{jobs: make(chan job, MaxBatch), stop: make(chan struct{}), stopped: make(chan struct{})},
		log:   opt.Logger, ttl: opt.TimeToLive, changed: opt.Changed, expiring: make(chan struct{}, 1),
		index: newIndex(), counts: newCounts(), damaged: map[ID]struct{}{},
	}
	s.seed = s.index.seed
	s.opened.Store(1)
	s.SetLimits(opt.Limits)
	if err := s.load(); err != nil {
		db.Close()
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	if s.readOnly {
		close(s.stopped)
	} else {
		go s.commitLoop()
	}
	return s, nil
}

// Close waits for what was committed to be on disk and closes the file. It may
// be called again.
func (s *Store) Close() error {
	s.once.Do(func() {
		close(s.stop)
		<-s.stopped
		s.reopening.Lock()
		defer s.reopening.Unlock()
		s.saveFreelist()
		s.closeErr = s.db.Close()
	})
	return s.closeErr
}

// Delete removes messages and returns when that is on disk. One that does not
// exist is passed over. More than MaxBatch are removed in several transactions,
// of which the first may be on disk when a later one fails.
func (s *Store) Delete(ctx context.Context, ids ...ID) error {
	_, err := s.remove(ctx, ids, removeDelivered)
	return err
}

// A removal is why messages are removed.
type removal int

const (
	removeDelivered removal = iota // by Delete
	removePurged
	removeExpired
)

// remove is Delete, and returns how many were there.
func (s *Store) remove(ctx context.Context, ids []ID, why removal) (int, error) {
	total := 0
	for {
		j := &removeJob{jobBase: newBase(), ids: ids[:min(len(ids), MaxBatch)], expired: why == removeExpired}
		j.outside = why != removeDelivered
		ids = ids[len(j.ids):]
		err := s.do(ctx, j)
		if err == nil {
			total += j.removed
		}
		if err != nil || len(ids) == 0 {
			return total, err
		}
	}
}
