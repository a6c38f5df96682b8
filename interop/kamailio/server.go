package kamailio

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"text/template"
	"time"

	"github.com/gomscp/gomscp/interop/cluster"
)

//go:embed kamailio.cfg
var configText string

const (
	startWait  = 20 * time.Second
	stopWait   = 5 * time.Second
	optionsGap = 50 * time.Millisecond // between two OPTIONS while it starts

	schemaDir = "/usr/share/kamailio/dbtext/kamailio"
)

// tables are the text tables that the configuration uses.
var tables = []string{
	"version", "subscriber", "presentity", "active_watchers", "watchers", "xcap", "pua", "location",
}

// Options describe a Kamailio. All but Users, DeadAfter and Log are needed.
type Options struct {
	Addr   string // host:port for UDP and TCP
	Domain string // whose users it registers
	// MoreDomains are further domains whose users it registers.
	MoreDomains []string
	AppServer   string            // host:port of the application server
	Users       map[string]string // passwords by user name; with any, REGISTER is authenticated
	Dir         string            // for its tables and its configuration; must exist
	DeadAfter   time.Duration     // how long a registered contact may be silent; 0 means 2 s
	// Presence is how the application server learns who is registered, beside
	// the presence package: "reg", the reg package, or "register", REGISTERs that
	// are sent to it.
	Presence string
	Log      io.Writer // its standard error
}

// Server is a running Kamailio.
type Server struct {
	cmd  *exec.Cmd
	done chan struct{}
	once sync.Once
	err  error // how it ended; valid after done
}

// Available tells why Kamailio cannot be run here, or nil.
func Available() error {
	if _, err := exec.LookPath("kamailio"); err != nil {
		return errors.New("kamailio is not installed")
	}
	if _, err := moduleDir(); err != nil {
		return err
	}
	if _, err := os.Stat(schemaDir); err != nil {
		return fmt.Errorf("kamailio's text tables are not installed: %w", err)
	}
	return nil
}

// moduleDir finds where the presence modules are.
func moduleDir() (string, error) {
	for _, pattern := range []string{"/usr/lib/*/kamailio/modules", "/usr/lib/kamailio/modules", "/usr/lib64/kamailio/modules"} {
		dirs, _ := filepath.Glob(pattern)
		for _, dir := range dirs {
			if _, err := os.Stat(filepath.Join(dir, "pua_usrloc.so")); err == nil {
				return dir, nil
			}
		}
	}
	return "", errors.New("kamailio's presence modules are not installed")
}

// Start runs Kamailio and returns when it answers OPTIONS.
func Start(ctx context.Context, o Options) (*Server, error) {
	if err := Available(); err != nil {
		return nil, err
	}
	config, err := prepare(o)
	if err != nil {
		return nil, fmt.Errorf("kamailio: %w", err)
	}
	s := &Server{done: make(chan struct{})}
	s.cmd = exec.Command("kamailio", "-DD", "-E", "-f", config, "-m", "512", "-Y", o.Dir, "-P", filepath.Join(o.Dir, "kamailio.pid"))
	s.cmd.Stdout, s.cmd.Stderr = o.Log, o.Log
	s.cmd.WaitDelay = stopWait
	cluster.OwnWith(s.cmd, syscall.SIGTERM) // its workers end with it
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("kamailio: %w", err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	if err := s.awaitReady(ctx, o.Addr); err != nil {
		s.Stop()
		return nil, fmt.Errorf("kamailio: %w", err)
	}
	return s, nil
}

// prepare writes the configuration and the empty tables.
func prepare(o Options) (string, error) {
	modules, err := moduleDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(o.Dir, "tables")
	if err := writeTables(dir, o); err != nil {
		return "", err
	}
	if o.DeadAfter == 0 {
		o.DeadAfter = 2 * time.Second
	}
	text, err := render(o, dir, modules)
	if err != nil {
		return "", err
	}
	path := filepath.Join(o.Dir, "kamailio.cfg")
	return path, os.WriteFile(path, text, 0o600)
}

// render makes the configuration. tables is the folder of the text tables;
// modules is that of the modules, "" where Kamailio itself knows it.
func render(o Options, tables, modules string) ([]byte, error) {
	host, port, err := net.SplitHostPort(o.AppServer)
	if err != nil {
		return nil, err
	}
	t, err := template.New("kamailio.cfg").Parse(configText)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = t.Execute(&text, map[string]any{
		"Addr": o.Addr, "Domain": o.Domain, "MoreDomains": o.MoreDomains, "AppServer": o.AppServer, "AppHost": host, "AppPort": port,
		"Authenticate": len(o.Users) > 0, "Tables": tables, "Modules": modules, "Presence": o.Presence, "DeadAfter": o.DeadAfter.Milliseconds(),
	})
	return text.Bytes(), err
}

// Example is the configuration of the guide (deploy/GUIDE.md): users register
// without a password, and TABLES stands for the folder of the tables.
func Example() ([]byte, error) {
	return render(Options{
		Addr: "127.0.0.1:5060", Domain: "example.com", AppServer: "127.0.0.1:5080", DeadAfter: 2 * time.Second,
	}, "TABLES", "")
}

func writeTables(dir string, o Options) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, name := range tables {
		b, err := os.ReadFile(filepath.Join(schemaDir, name))
		if err != nil {
			return err
		}
		if name == "subscriber" {
			b = append(b, subscribers(string(b), o)...)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// subscribers are the rows of the users, in the columns that the schema's first
// line names.
func subscribers(schema string, o Options) string {
	head, _, _ := strings.Cut(schema, "\n")
	var rows strings.Builder
	n := 0
	for user, password := range o.Users {
		n++
		var row []string
		for column := range strings.FieldsSeq(head) {
			name, kind, _ := strings.Cut(column, "(")
			switch {
			case name == "id":
				row = append(row, fmt.Sprint(n))
			case name == "username":
				row = append(row, user)
			case name == "domain":
				row = append(row, o.Domain)
			case name == "password":
				row = append(row, password)
			case strings.HasPrefix(kind, "int"):
				row = append(row, "0")
			default:
				row = append(row, "-") // an empty string is a null
			}
		}
		rows.WriteString(strings.Join(row, ":") + "\n")
	}
	return rows.String()
}

// awaitReady asks with OPTIONS until there is an answer.
func (s *Server) awaitReady(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	local := conn.LocalAddr().String()
	buf := make([]byte, 2048)
	for n := 1; ; n++ {
		fmt.Fprintf(conn, "OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-ready-%d\r\nMax-Forwards: 5\r\n"+
			"From: <sip:ready@%s>;tag=r\r\nTo: <sip:%s>\r\nCall-ID: ready-%d\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
			addr, local, n, local, addr, n)
		_ = conn.SetReadDeadline(time.Now().Add(optionsGap))
		if k, err := conn.Read(buf); err == nil && strings.HasPrefix(string(buf[:k]), "SIP/2.0 200") {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer to OPTIONS: %w", ctx.Err())
		case <-s.done:
			return fmt.Errorf("it has ended: %w", s.err)
		case <-time.After(optionsGap): // a refused datagram returns at once
		}
	}
}

// Kill ends Kamailio and its workers at once, as a crash would, and waits.
func (s *Server) Kill() {
	s.once.Do(func() {
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.done
	})
}

// Stop ends Kamailio and its workers, and waits. It may be called again.
func (s *Server) Stop() {
	s.once.Do(func() {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.done:
		case <-time.After(stopWait):
			_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
			<-s.done
		}
	})
}
