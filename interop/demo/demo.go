package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gomscp/gomscp/interop/cluster"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/interop/ladder"
	"github.com/gomscp/gomscp/interop/sipserver"
)

const (
	domain   = "example.com"
	alice    = "sip:alice@" + domain
	bob      = "sip:bob@" + domain
	password = "secret"

	// limit bounds everything after the build.
	limit = 60 * time.Second
)

// Options are the demo's settings.
type Options struct {
	Out  io.Writer // an error of a write ends the demo
	Keep bool      // leave the cluster running until the context ends
	// Command is the name of this program in its output; "" means mscp-interop.
	Command string
	// Cleaner is a command that calls Clean with its last argument and standard input.
	// Without it, the directory stays if the demo is killed.
	Cleaner []string
}

// A stage holds everything that the demo has started.
type stage struct {
	out     io.Writer
	dir     string
	ladder  *ladder.Ladder
	server  *sipserver.Server
	cluster *cluster.Cluster
	alice   *softphone.Phone
	bob     *softphone.Phone
	inbox   chan arrival
	command string
}

// Run runs the demo. It returns nil only if every message arrived unchanged and in order,
// and no media server keeps a message at the end.
func Run(ctx context.Context, o Options) error {
	dir, remove, err := newDir(o.Cleaner)
	if err != nil {
		return err
	}
	defer remove()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	s := &stage{out: output{o.Out, fail}, dir: dir, inbox: make(chan arrival, 16), command: cmp.Or(o.Command, "mscp-interop")}
	bin, err := cluster.Find(ctx, dir, func(what string) { fmt.Fprintln(s.out, what) })
	if err != nil {
		return err
	}
	defer s.close()
	err = s.play(ctx, bin)
	if o.Keep && err == nil {
		s.keep(ctx)
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause // the rest follows from it
	}
	return err
}

// play is the demo itself, in its bounded time.
func (s *stage) play(ctx context.Context, bin cluster.Binaries) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	if err := s.start(ctx, bin); err != nil {
		return err
	}
	letters := letters()
	if err := s.leave(ctx, letters); err != nil {
		return s.explain(fmt.Errorf("leaving the messages: %w", err))
	}
	if err := s.showKept(ctx, len(letters)); err != nil {
		return s.explain(err)
	}
	if err := s.collect(ctx, letters); err != nil {
		return s.explain(fmt.Errorf("delivering the messages: %w", err))
	}
	if err := s.showEmpty(ctx); err != nil {
		return s.explain(err)
	}
	s.ladder.Note("Verified: all %d messages reached bob when he registered, byte-equal and in order;\nno media server and no directory keeps anything (%d protocol messages, %.1f s).",
		len(letters), s.ladder.Count, time.Since(began).Seconds())
	return nil
}

// explain adds the ends of the servers' logs to an error.
func (s *stage) explain(err error) error {
	s.ladder.Flush()
	for _, p := range s.cluster.Processes() {
		err = fmt.Errorf("%w\n--- %s:\n%s", err, p.Name, p.LogTail(8))
	}
	return err
}

// start brings up the proxy, the cluster and the two phones.
func (s *stage) start(ctx context.Context, bin cluster.Binaries) (err error) {
	s.ladder = ladder.New(s.out, "alice", "proxy", "AS", "MS1", "MS2", "bob")
	asAddr, err := cluster.FreeAddr()
	if err != nil {
		return err
	}
	s.server, err = sipserver.New(sipserver.Config{
		Addr: "127.0.0.1:0", Domain: domain, AppServer: asAddr,
		Users: map[string]string{"alice": password, "bob": password},
		Trace: s.traceServer,
	})
	if err != nil {
		return err
	}
	s.cluster, err = cluster.New(cluster.Options{
		Binaries: bin, Dir: s.dir, ASAddr: asAddr, Proxy: s.server.Addr(), Weights: []int{1, 1},
		OnTrace: s.traceCluster,
	})
	if err != nil {
		return err
	}
	s.nameNodes()
	fmt.Fprintf(s.out, "Starting the application server and two media servers in %s ...\n\n", s.dir)
	s.ladder.Header()
	s.ladder.Note("The application server sets up one MSCP control channel to each media server:")
	if err := s.cluster.Start(ctx); err != nil {
		return err
	}
	if s.alice, err = s.phone(alice, "alice", nil); err != nil {
		return err
	}
	s.bob, err = s.phone(bob, "bob", s.received)
	return err
}

// close ends everything, in the opposite order.
func (s *stage) close() {
	for _, p := range []*softphone.Phone{s.alice, s.bob} {
		if p != nil {
			p.Close()
		}
	}
	if s.cluster != nil {
		if err := s.cluster.Stop(); err != nil {
			fmt.Fprintln(s.out, "stopping:", err)
		}
	}
	if s.server != nil {
		s.server.Close()
	}
}

// keep leaves the cluster running until the context ends.
func (s *stage) keep(ctx context.Context) {
	run := "  " + s.command + " "
	fmt.Fprintf(s.out, "The cluster is still running (proxy %s); users alice and bob have the password %q. Try, in another terminal:\n\n", s.server.Addr(), password)
	fmt.Fprintf(s.out, run+"send --from %s --to %s --proxy %s --password %s 'hello again'\n", alice, bob, s.server.Addr(), password)
	fmt.Fprintf(s.out, run+"receive --user %s --registrar %s --password %s\n", bob, s.server.Addr(), password)
	for _, p := range s.cluster.Processes() {
		fmt.Fprintf(s.out, "  curl http://%s/metrics   # %s, log in %s\n", p.Admin, p.Name, s.dir)
	}
	fmt.Fprintln(s.out, "\nInterrupt to end it.")
	if err := s.bob.Unregister(ctx); err != nil { // or it would take the calls meant for yours
		fmt.Fprintln(s.out, "bob is still registered:", err)
	}
	<-ctx.Done()
}

var errLate = errors.New("not all messages came in time")
