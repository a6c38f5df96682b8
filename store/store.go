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
	// SegmentSize is the size of a segment of a body, in bytes: the part that is held in
	// memory and written in one key of the file.
	SegmentSize = 64 << 10
	// MaxAhead bounds Writer.SetAhead, in segments.
	MaxAhead = 16
	// MaxBatch and MaxBatchBytes bound the jobs of one transaction and their bytes.
	MaxBatch      = 1024
	MaxBatchBytes = 8 << 20
	// MaxMeta bounds a message's encoded metadata, in bytes.
	MaxMeta = 32 << 10

	// extentLength and extentBytes bound an extent of the file.
	extentLength = 1 << 13  // messages; at most 1 << 16
	extentBytes  = 16 << 20 // bytes of records and bodies

	// pageSize is the page size of new files, in bytes. It is larger than the system's:
	// messages of 1 KB waste less of a page, and a scan has fewer pages. It is small
	// enough for commits of one message.
	pageSize = 8 << 10

	lockWait    = 5 * time.Second // for another process to unlock the file
	initialMmap = 64 << 20        // bytes; enlarging the map later stops all readers
)

var (
	// ErrClosed means that the store was closed.
	ErrClosed = errors.New("store: closed")
	// ErrNotFound means that the message does not exist, or was deleted.
	ErrNotFound = errors.New("store: no such message")
	// ErrMetaTooLong means that the encoded metadata has more than MaxMeta bytes.
	ErrMetaTooLong = errors.New("store: metadata too long")
	// ErrMetaNotUTF8 means that a string of the metadata is not UTF-8. The file could not
	// return it unchanged.
	ErrMetaNotUTF8 = errors.New("store: metadata is not UTF-8")
	// ErrReadOnly means that the store was opened read-only.
	ErrReadOnly = errors.New("store: read-only")
	// ErrLocked means that another process has locked the file.
	ErrLocked = errors.New("store: another process holds the file")
	// ErrWithdrawn means that [Pending.Withdraw] has withdrawn the message.
	ErrWithdrawn = errors.New("store: message was withdrawn")
	// ErrEnded means that the Writer was used after Commit or Abort.
	ErrEnded = errors.New("store: message has ended")
)

// Options of a store. The zero value is valid.
type Options struct {
	Logger *slog.Logger
	Limits Limits
	// TimeToLive is added to the time of arrival if Meta.Expires is zero; 0 means that
	// such messages never expire. See [Store.Expire].
	TimeToLive time.Duration
	// Changed, if not nil, is called with a pair after its messages were added, removed,
	// set aside or restored. It is called for BeginImport, Purge, Expire, SetAside,
	// Restore, damage, and a commit whose result was unknown. It is not called for a
	// Writer of Begin or for Delete. It must not block and must not call the store.
	Changed func(recipient, sender string)
	// ReadOnly opens a file that no process writes. Changes fail with ErrReadOnly.
	// Several processes may open the file read-only at once.
	ReadOnly bool
	// LockWait is how long Open waits for another process to unlock the file, before it
	// fails with ErrLocked; 0 means five seconds.
	LockWait time.Duration
}

// An ID names a message in its store. IDs grow in the order of commits.
type ID uint64

// Meta is the metadata of a message.
type Meta struct {
	Recipient     string    `json:"r"` // canonical SIP URI
	Sender        string    `json:"s"` // canonical SIP URI
	ConnectionID  string    `json:"c,omitempty"`
	MessageID     string    `json:"m,omitempty"`
	ContentType   string    `json:"t,omitempty"`
	SuccessReport bool      `json:"p,omitempty"` // the sender requested a success report
	Received      time.Time `json:"d"`
	SenderName    string    `json:"sn,omitempty"` // display name of the sender
	File          *File     `json:"f,omitempty"`  // metadata of the file, if the body is a file
	Expires       time.Time `json:"x,omitzero"`   // when Expire may delete it; zero: Options.TimeToLive after Received, or never
}

// File is the metadata of a transferred file, as given by its sender. See RFC 5547,
// section 6.
type File struct {
	Name        string `json:"name,omitempty"`        // without directories, decoded
	Type        string `json:"type,omitempty"`        // media type
	Size        int64  `json:"size,omitempty"`        // bytes; 0 if not given
	Hash        string `json:"hash,omitempty"`        // "sha-1:72:24:..."
	Disposition string `json:"disposition,omitempty"` // usually "render" or "attachment"
}

// MessageInfo is one kept message.
type MessageInfo struct {
	Meta
	ID   ID     `json:"-"`
	Size int64  `json:"n"`           // bytes of the body
	Sum  []byte `json:"h,omitempty"` // SHA-256 of the body

	Body uint64 `json:"b"` // its number in the bucket of long bodies; 0: the body is in the extent
}

// A Store is an open store.
type Store struct {
	disk
	queue
	committer
	log      *slog.Logger
	limits   atomic.Pointer[Limits]
	space    freeSpace
	ttl      time.Duration
	changed  func(recipient, sender string) // or nil
	nextBody atomic.Uint64
	expiring chan struct{} // of capacity 1: taken by the Expire that is under way

	mu      sync.RWMutex
	index   index        // only the committer changes it
	seed    maphash.Seed // the seed of every index of this store: Writers use it without a lock
	counts  counts
	unread  []error         // faults that Open found, at most maxFaults
	damaged map[ID]struct{} // messages that were found unreadable later, at most maxDamaged
}

// disk is the file and its state.
type disk struct {
	path      string
	readOnly  bool
	db        *bolt.DB
	reopening sync.RWMutex  // held for writing while db is replaced
	failing   atomic.Bool   // the last commit may be on disk or not
	broken    atomic.Bool   // messages cannot be added, because pages are damaged
	opened    atomic.Uint64 // how often the file was opened

	commitTx     func(*bolt.Tx) error
	beforeCommit atomic.Pointer[func() error]
}

// queue is the queue of the committer.
type queue struct {
	jobs     chan job
	queued   atomic.Int64  // bytes of the jobs in it
	stop     chan struct{} // closed by Close
	stopped  chan struct{} // closed when the committer has ended
	once     sync.Once
	closeErr error
}

// committer is the state of the goroutine that commits. No other goroutine uses it,
// except for underWay.
type committer struct {
	lastBatch lastBatch
	seq       uint64       // the last ID
	fresh     int64        // bytes of records and bodies of the last extent
	logged    int          // IDs in the log of deleted messages
	wasted    []uint64     // extents to reclaim
	leftover  []unfinished // bodies that could not be removed yet
	writing   uint64       // number of the last transaction
	underWay  []job        // the batch that is being written; guarded by mu of the Store
}

// Open opens or creates the file at path. It removes the bodies of unfinished messages. A
// message whose metadata cannot be decoded stays in the file and is not listed; Stats
// counts it, and Check reports it. The error may be [ErrLocked] or wrap [ErrDamaged].
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

// Close waits until all submitted changes are on disk, and closes the file. It may be
// called again.
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

// Delete deletes messages and returns when that is on disk. IDs of messages that do not
// exist are ignored. More than MaxBatch messages are deleted in several transactions; the
// first ones may be on disk when a later one fails.
func (s *Store) Delete(ctx context.Context, ids ...ID) error {
	_, err := s.remove(ctx, ids, removeDelivered)
	return err
}

// A removal is the reason for deleting messages.
type removal int

const (
	removeDelivered removal = iota // by Delete
	removePurged
	removeExpired
)

// remove is Delete, and returns how many of the messages existed.
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
