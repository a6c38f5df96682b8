package as

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gomscp/gomscp/as/internal/mailbox"
)

// TestDirectoryPages looks at what is kept for a recipient who comes and does not take
// it, and has it delivered by the operator, before the pause between attempts is over.
func TestDirectoryPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		s, presence := newWatchedOffice(t, func(context.Context, mailbox.Pair) error {
			if calls.Add(1) == 1 {
				return &mailbox.Fault{Err: errors.New("busy"), About: mailbox.AboutUser}
			}
			return nil
		})
		defer s.closeOffice()
		leave := func(sender, server string) {
			end, err := s.mailboxes.Begin(mailbox.Pair{Recipient: testRecipient, Sender: sender, Server: server, Since: time.Now()}, "c")
			if err != nil {
				t.Fatal(err)
			}
			end()
		}
		leave("sip:alice@example.com", "ms1")
		ask := func(method, target string) (int, string) {
			w := httptest.NewRecorder()
			mux := http.NewServeMux()
			for pattern, h := range s.directoryPages() {
				mux.HandleFunc(pattern, h)
			}
			mux.ServeHTTP(w, httptest.NewRequest(method, target, nil))
			return w.Code, w.Body.String()
		}
		entry := func() (e Entry) {
			code, page := ask("GET", "/directory?to=bob@EXAMPLE.com")
			first, rest, _ := strings.Cut(page, "\n")
			if err := json.Unmarshal([]byte(first), &e); err != nil || code != 200 || rest != "{\"done\":true}\n" {
				t.Errorf("%d, %v: %s", code, err, page)
			}
			return e
		}
		pushes := func(want int) {
			t.Helper()
			if n := int(calls.Load()); n != want {
				t.Errorf("%d pushes, want %d", n, want)
			}
		}
		synctest.Wait()
		if e := entry(); e.MediaServer != "ms1" || e.Channel != "up" || *e.Reachable || !e.Next.IsZero() {
			t.Errorf("before the recipient comes: %+v", e)
		}
		if code, text := ask("POST", "/deliver?to="+testRecipient); code != http.StatusConflict {
			t.Errorf("to who is away: %d %s", code, text)
		}
		pushes(0)
		presence.say(true, true)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		pushes(1) // who is busy
		if e := entry(); !*e.Reachable || time.Until(e.Next) < 5*time.Second {
			t.Errorf("after a push that failed: %+v", e)
		}
		if code, text := ask("POST", "/deliver?to="+testRecipient); code != http.StatusOK {
			t.Errorf("%d %s", code, text)
		}
		time.Sleep(time.Second) // the directory's file takes some time
		synctest.Wait()
		pushes(2)
		for target, want := range map[string]int{
			"POST /deliver?to=" + testRecipient: 404, "POST /deliver?to=sip:nobody@x": 404, "POST /deliver": 400, "POST /deliver?to=:": 400,
			"GET /deliver?to=x": 405, "GET /directory?to=:": 400, "GET /directory?from=:": 400, "GET /directory": 200,
		} {
			method, target, _ := strings.Cut(target, " ")
			if code, text := ask(method, target); code != want {
				t.Errorf("%s %s: %d %s", method, target, code, text)
			}
		}
		if err := s.dir.Add(Pair{Recipient: testRecipient, Sender: "sip:a@b", Server: "gone", Since: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if e := entry(); e.Channel != "not configured" || e.Reachable != nil {
			t.Errorf("a media server that is not configured: %+v", e)
		}
	})
}

// TestAdminPages checks that the list of pages says what each is for.
func TestAdminPages(t *testing.T) {
	s := &Server{}
	pages := s.adminPages()
	for pattern := range pages.Handlers {
		if pages.About[pattern] == "" {
			t.Errorf("%s is not explained", pattern)
		}
	}
	if len(pages.About) != len(pages.Handlers) {
		t.Errorf("%d pages, %d explanations", len(pages.Handlers), len(pages.About))
	}
}
