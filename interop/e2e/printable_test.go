package e2e

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/interop/internal/softphone"
	"github.com/gomscp/gomscp/interop/ladder"
	"github.com/gomscp/gomscp/ms"
	"github.com/gomscp/gomscp/sipua"
)

// hostile are bytes that terminals obey, or that mislead who reads them. No line of a
// protocol ends in them.
var hostile = []string{"\x1b[31mred", "\x1b]0;title\x07", "\u009b31m", "\x9b31m", "\x00", "over\bwritten\x7f", "\u202egnp.exe", "\u2066x\u2069", "\u2028line", "\u200b\ufeff", "\xff\xfe", `"quoted" level=ERROR msg=forged`, "</script>]]>"}

// TestHostileBytesInLogs has strangers and callers write such bytes wherever a protocol
// lets them, and some where none does. The logs of both servers, with all that they can
// tell, have none of them, and no line that a stranger has forged; so do the commands of
// operators.
func TestHostileBytesInLogs(t *testing.T) {
	t.Parallel()
	var traced traceFile
	e := newEnv(t, envOptions{
		onTrace:  traced.add,
		configAS: func(c *as.Config) { c.Log.Level = "debug" },
		configMS: func(_ int, c *ms.Config) { c.Log.Level = "debug" },
	})
	media := e.cluster.MS[0]
	for i, bad := range hostile {
		e.hostileSIP(e.cluster.AS.SIP, i, bad)
		e.hostileSIP(media.SIP, i, bad)
		e.hostileMSRP(media.MSRP, bad)
		e.hostileCall(i, bad)
	}
	e.leave(alice, bob, "and a friend")
	e.eventually("the friend's message is kept", func() bool { return e.kept() > 0 })
	for _, p := range e.cluster.Processes() {
		wantPrintable(t, p.Name+"'s log", p.LogTail(1_000_000))
		page, err := p.Get(e.ctx, "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		wantPrintable(t, p.Name+"'s metrics", page)
	}
	wantPrintable(t, "the directory", e.operate("directory", "list"))
	wantPrintable(t, "the directory in JSON", e.operate("directory", "list", "-json"))
	e.wantStorePrintable(media.Admin)
	for _, page := range []string{"/store/messages", "/store", "/directory"} {
		for _, p := range e.cluster.Processes() {
			if text, err := p.Get(e.ctx, page); err == nil { // the other has it
				wantPrintable(t, p.Name+page, text)
			}
		}
	}
	if log := e.cluster.AS.LogTail(1_000_000); !strings.Contains(log, `\x1b[31mred`) {
		t.Error("the application server's log has nothing of what was sent")
	}
	box := newInbox()
	e.register(softphone.Config{User: bob}, box)
	e.wantKept(0)
	for _, p := range e.cluster.Processes() {
		wantPrintable(t, p.Name+"'s log of the push", p.LogTail(1_000_000))
	}
	traced.wantPrintable(t)
}

// wantStorePrintable lists and shows what a media server keeps.
func (e *env) wantStorePrintable(admin string) {
	e.t.Helper()
	run := func(args ...string) string {
		out, err := exec.CommandContext(e.ctx, binaries.MS, append([]string{"store", "-admin", admin}, args...)...).CombinedOutput()
		if err != nil {
			e.t.Errorf("store %q: %v\n%s", args, err, out)
		}
		wantPrintable(e.t, fmt.Sprintf("store %q", args), string(out))
		return string(out)
	}
	run("recipients")
	run("messages")
	run("messages", "-wide")
	shown := 0
	for line := range strings.Lines(run("messages", "-json")) {
		var m struct{ ID uint64 }
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			e.t.Errorf("%q: %v", line, err)
			continue
		}
		run("show", strconv.FormatUint(m.ID, 10))
		run("show", strconv.FormatUint(m.ID, 10), "-json")
		shown++
	}
	if shown < 2 {
		e.t.Errorf("%d messages are shown: those of the callers are not kept", shown)
	}
}

// A traceFile is all that the processes trace.
type traceFile struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (f *traceFile) add(r daemon.TraceRecord) {
	line, err := json.Marshal(r)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines.Write(append(line, '\n'))
}

// wantPrintable draws the trace in every form.
func (f *traceFile) wantPrintable(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.trace")
	f.mu.Lock()
	err := os.WriteFile(path, f.lines.Bytes(), 0o600)
	f.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	o := ladder.Options{Bodies: true, Chunks: true, Repeats: true, Explain: true}
	d, err := ladder.Read(t.Context(), []string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	var list, text, svg strings.Builder
	_, errList := ladder.List(t.Context(), &list, []string{path}, o)
	if err := errors.Join(errList, d.WriteText(&text), d.WriteSVG(&svg)); err != nil {
		t.Fatal(err)
	}
	wantPrintable(t, "the list of calls", list.String())
	wantPrintable(t, "the ladder", text.String())
	wantPrintable(t, "the drawing", svg.String())
	for dec := xml.NewDecoder(strings.NewReader(svg.String())); err == nil; {
		_, err = dec.Token()
	}
	if !errors.Is(err, io.EOF) || strings.Contains(svg.String(), "</script>") || !strings.Contains(text.String(), "\ufffd[31mred") {
		t.Errorf("the drawing is no XML or has a script, or the ladder has nothing of what was sent: %v", err)
	}
}

func wantPrintable(t *testing.T, what, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s is no UTF-8", what)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%s: %q", what, line)
		}
		if strings.HasPrefix(line, "level=ERROR msg=forged") {
			t.Errorf("%s has a forged line", what)
		}
	}
}

// hostileSIP sends requests whose headers have the bytes, one at a time.
func (e *env) hostileSIP(addr string, n int, bad string) {
	e.t.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		e.t.Fatal(err)
	}
	defer conn.Close()
	usual := map[string]string{
		"Via": "SIP/2.0/UDP " + conn.LocalAddr().String() + ";branch=z9hG4bKhostile", "Max-Forwards": "70", "From": "<" + alice + ">;tag=h",
		"To": "<" + bob + ">", "Call-ID": "hostile", "CSeq": "1 INVITE", "Contact": "<sip:h@" + conn.LocalAddr().String() + ">",
		"User-Agent": "h", "Subject": "s", "Session-ID": "0123456789abcdef0123456789abcdef", "P-Asserted-Identity": "<" + alice + ">", "Content-Type": "application/sdp",
	}
	i := 0
	for name := range usual {
		var b strings.Builder
		i++
		for _, method := range []string{"INVITE", "NOTIFY", "REGISTER"} {
			b.Reset()
			fmt.Fprintf(&b, "%s %s SIP/2.0\r\n", method, bob)
			for key, value := range usual {
				if key == "Call-ID" || key == "Via" {
					value += fmt.Sprintf("%d-%d-%s", n, i, method)
				}
				if key == name {
					value += bad
				}
				fmt.Fprintf(&b, "%s: %s\r\n", key, strings.ReplaceAll(value, "INVITE", method))
			}
			b.WriteString("Content-Length: 3\r\n\r\nv=0")
			if _, err := conn.Write([]byte(b.String())); err != nil {
				e.t.Fatal(err)
			}
		}
	}
	for _, line := range []string{bad + " sip:x SIP/2.0\r\n\r\n", "INVITE sip:" + bad + "@x SIP/2.0\r\nVia: SIP/2.0/UDP x" + bad + "\r\n\r\n", "SIP/2.0 200 " + bad + "\r\n" + bad + ": x\r\n\r\n"} {
		if _, err := conn.Write([]byte(line)); err != nil {
			e.t.Fatal(err)
		}
	}
}

// hostileMSRP sends a connection's first request with the bytes in it.
func (e *env) hostileMSRP(addr, bad string) {
	e.t.Helper()
	for _, request := range []string{
		"MSRP aaaa " + bad + "\r\n", bad + "\r\n",
		"MSRP aaaa SEND\r\nTo-Path: msrp://x:1/" + bad + ";tcp\r\nFrom-Path: msrp://x:1/y;tcp\r\n-------aaaa$\r\n",
		"MSRP aaaa SEND\r\nTo-Path: msrp://x:1/s;tcp\r\nFrom-Path: msrp://x:1/y;tcp\r\n" + bad + ": " + bad + "\r\n-------aaaa$\r\n",
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			e.t.Fatal(err)
		}
		_, _ = conn.Write([]byte(request)) // it may be closed before all is written
		conn.Close()
	}
}

// hostileCall leaves messages with the bytes in a call that is taken, in the name of the
// caller, the type and the ids.
func (e *env) hostileCall(n int, bad string) {
	e.t.Helper()
	ua, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", User: "h"}, sipua.Handlers{})
	if err != nil {
		e.t.Fatal(err)
	}
	defer ua.Close()
	from := `"` + strings.NewReplacer(`"`, "", "\x00", "").Replace(bad) + `" <sip:h` + strconv.Itoa(n) + "@" + domain + ">"
	c, err := dialRaw(e.ctx, ua, e.proxy, from, bob)
	if err != nil {
		return // refused as a whole
	}
	defer c.conn.Close()
	for i, headers := range []string{
		"Content-Type: text/plain; x=" + bad, "Content-Type: text/" + bad, "Content-Type: text/plain\r\nX-Y: " + bad, "Content-Type: message/cpim",
	} {
		fmt.Fprintf(&c.frames, "MSRP tx%06d SEND\r\nTo-Path: %s\r\nFrom-Path: %s\r\nMessage-ID: %d%s\r\nByte-Range: 1-2/2\r\n%s\r\n\r\nhi\r\n-------tx%06d$\r\n",
			i, c.theirs, c.ours, i, map[bool]string{true: bad}[i == 2], headers, i)
	}
	if err := c.write(); err == nil {
		c.answers(4, 300*time.Millisecond, func(int, int) {}) // some get none
	}
	_ = c.bye() // the session may have ended
}
