package as

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gomscp/gomscp/internal/table"
	"github.com/gomscp/gomscp/sipua"
)

func (s *Server) directoryPages() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /directory": s.directoryPage, "POST /deliver": s.deliverPage,
		"POST /directory/forget": s.forgetPage, "POST /directory/rename": s.renamePage,
	}
}

// directoryPage writes entries, one JSON object a line, and at the end a line that
// says that they are all, or what is wrong.
func (s *Server) directoryPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	recipient, sender, ok := selection(w, q)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	for e, err := range s.dir.Entries(recipient, sender, q.Get("ms")) {
		if err != nil {
			_ = table.WriteJSON(w, map[string]string{"error": err.Error()})
			return
		}
		e.Channel = "not configured"
		if ms := s.cluster.Get(e.MediaServer); ms != nil {
			e.Channel = "down"
			if ms.Up() {
				e.Channel = "up"
			}
		}
		if open, next, known := s.mailboxes.Outlook(e.Recipient); known {
			e.Reachable, e.Next = &open, next
		}
		if table.WriteJSON(w, e) != nil {
			return // the reader has gone
		}
	}
	_ = table.WriteJSON(w, map[string]bool{"done": true})
}

// selection is the recipient and the sender that a request names by to and from; "" is
// any. ok is false, and the request answered, if one of them is no URI.
func selection(w http.ResponseWriter, q url.Values) (recipient, sender string, ok bool) {
	var err error
	if recipient, err = uriOf(q.Get("to")); err != nil {
		http.Error(w, "to: "+err.Error(), http.StatusBadRequest)
		return "", "", false
	}
	if sender, err = uriOf(q.Get("from")); err != nil {
		http.Error(w, "from: "+err.Error(), http.StatusBadRequest)
		return "", "", false
	}
	return recipient, sender, true
}

// uriOf is the canonical form of a URI, whose "sip:" may be left out; "" of none.
func uriOf(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	uri, err := sipua.CanonicalURI(s)
	if err != nil {
		return sipua.CanonicalURI("sip:" + s)
	}
	return uri, nil
}

// deliverPage has what is kept for a recipient delivered now.
func (s *Server) deliverPage(w http.ResponseWriter, r *http.Request) {
	recipient, err := uriOf(r.URL.Query().Get("to"))
	if err != nil || recipient == "" {
		http.Error(w, "?to=URI names no recipient", http.StatusBadRequest)
		return
	}
	known, reachable := s.mailboxes.DeliverNow(recipient)
	if !known {
		why := "nothing is kept for %s"
		for range s.dir.Entries(recipient, "", "") {
			why = "what is kept for %s is with media servers that are not configured"
			break
		}
		http.Error(w, fmt.Sprintf(why, recipient), http.StatusNotFound)
		return
	}
	if !reachable {
		http.Error(w, fmt.Sprintf("%s is not reachable, as far as the presence server says; what is kept is delivered when that changes", recipient), http.StatusConflict)
		return
	}
	s.log.Info("delivery asked for by the operator", "to", recipient)
	fmt.Fprintf(w, "%s is called now\n", recipient)
}

// forgetPage removes entries of a media server that is not configured.
func (s *Server) forgetPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	recipient, sender, ok := selection(w, q)
	if !ok {
		return
	}
	n, err := s.ForgetEntries(q.Get("ms"), recipient, sender)
	if n > 0 {
		s.log.Info("directory entries forgotten by the operator", "ms", q.Get("ms"), "entries", n)
	}
	answerChange(w, n, "forgotten", err)
}

// renamePage gives the entries of a media server that is not configured to another name.
func (s *Server) renamePage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	n, err := s.RenameEntries(q.Get("ms"), q.Get("name"))
	if n > 0 {
		s.log.Info("directory entries renamed by the operator", "ms", q.Get("ms"), "name", q.Get("name"), "entries", n)
	}
	answerChange(w, n, "renamed", err)
}

func answerChange(w http.ResponseWriter, n int, done string, err error) {
	var configured *ConfiguredError
	switch {
	case errors.As(err, &configured):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		http.Error(w, fmt.Sprintf("%d entries %s; then: %v", n, done, err), http.StatusInternalServerError)
	default:
		fmt.Fprintf(w, "%d entries %s\n", n, done)
	}
}
