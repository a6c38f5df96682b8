package operator

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gomscp/gomscp/internal/table"
	"github.com/gomscp/gomscp/store"
)

// An answer is one line of what may take long.
type answer struct {
	Progress *counts `json:"progress,omitempty"`
	Result   *counts `json:"result,omitempty"`
	Done     bool    `json:"done,omitempty"`
	Error    string  `json:"error,omitempty"`
}

// counts are how much was done.
type counts struct {
	Messages   int   `json:"messages"`
	Bytes      int64 `json:"bytes"`
	Total      int   `json:"total,omitempty"`
	Duplicates int   `json:"duplicates,omitempty"`
}

// Handler serves s, whose owner it does not close, under /store/: the pages by
// their http.ServeMux patterns.
func Handler(s *store.Store) map[string]http.HandlerFunc {
	h := handler{file{s}}
	return map[string]http.HandlerFunc{
		"GET /store/recipients": h.recipients,
		"GET /store/messages":   h.messages,
		"GET /store/message":    h.message,
		"GET /store/body":       h.body,
		"GET /store/export":     h.export,
		"GET /store/backup":     h.backup,
		"POST /store/check":     h.check,
		"POST /store/purge":     h.purge,
		"POST /store/restore":   h.restore,
		"POST /store/import":    h.importAll,
	}
}

type handler struct{ file }

// long lifts the limits of time that pages have otherwise.
func long(w http.ResponseWriter) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{}) // a test's recorder has none
	_ = c.SetWriteDeadline(time.Time{})
}

// fail answers with the status that fits, before anything else was.
func fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var bad *badRequest
	switch {
	case errors.Is(err, store.ErrNotFound):
		status = http.StatusNotFound
	case errors.As(err, &bad):
		status = http.StatusBadRequest
	}
	http.Error(w, err.Error(), status)
}

type badRequest struct{ error }

// filterOf reads the query of a page: to, from, before (RFC 3339) and aside.
func filterOf(r *http.Request) (f store.Filter, err error) {
	q := r.URL.Query()
	for key := range q {
		switch key {
		case "to", "from", "before", "aside":
		default:
			return f, &badRequest{fmt.Errorf("unknown parameter %q", key)}
		}
	}
	f = store.Filter{Recipient: q.Get("to"), Sender: q.Get("from")}
	if v := q.Get("aside"); v != "" {
		if f.Aside, err = strconv.ParseBool(v); err != nil {
			return f, &badRequest{fmt.Errorf("aside: %w", err)}
		}
	}
	if v := q.Get("before"); v != "" {
		if f.Before, err = time.Parse(time.RFC3339Nano, v); err != nil {
			return f, &badRequest{fmt.Errorf("before: %w", err)}
		}
	}
	return f, nil
}

func idOf(s string) (store.ID, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, &badRequest{fmt.Errorf("id %q is no number", s)}
	}
	return store.ID(n), nil
}

// lines writes a list, one JSON object a line, and a last line that says that
// it is whole.
func lines[T any](w http.ResponseWriter, list iter.Seq2[T, error]) {
	long(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	for item, err := range list {
		if err != nil {
			_ = table.WriteJSON(w, answer{Error: err.Error()})
			return
		}
		if table.WriteJSON(w, item) != nil {
			return // the reader has gone
		}
	}
	_ = table.WriteJSON(w, answer{Done: true})
}

func (h handler) recipients(w http.ResponseWriter, r *http.Request) {
	lines(w, h.Recipients(r.Context()))
}

func (h handler) messages(w http.ResponseWriter, r *http.Request) {
	f, err := filterOf(r)
	if err != nil {
		fail(w, err)
		return
	}
	lines(w, h.Messages(r.Context(), f))
}

func (h handler) message(w http.ResponseWriter, r *http.Request) {
	id, err := idOf(r.URL.Query().Get("id"))
	if err != nil {
		fail(w, err)
		return
	}
	m, err := h.Message(r.Context(), id)
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = table.WriteJSON(w, m)
}

func (h handler) body(w http.ResponseWriter, r *http.Request) {
	id, err := idOf(r.URL.Query().Get("id"))
	if err != nil {
		fail(w, err)
		return
	}
	b, err := h.Body(r.Context(), id)
	if err != nil {
		fail(w, err)
		return
	}
	defer b.Close()
	h.stream(w, func(w io.Writer) error { _, err := io.Copy(w, b); return err })
}

// stream sends what write writes. An error in the middle breaks the connection
// off, so that nobody takes half for the whole.
func (h handler) stream(w http.ResponseWriter, write func(io.Writer) error) {
	long(w)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Trailer", damageTrailer)
	switch err := write(w); {
	case errors.Is(err, store.ErrDamaged): // what could be read is there
		w.Header().Set(damageTrailer, strings.TrimSuffix(err.Error(), ": "+store.ErrDamaged.Error()))
	case err != nil:
		panic(http.ErrAbortHandler)
	}
}

func (h handler) export(w http.ResponseWriter, r *http.Request) {
	f, err := filterOf(r)
	if err != nil {
		fail(w, err)
		return
	}
	h.stream(w, func(w io.Writer) error { return h.Export(r.Context(), w, f) })
}

func (h handler) backup(w http.ResponseWriter, r *http.Request) {
	h.stream(w, func(w io.Writer) error { return h.Backup(r.Context(), w) })
}

// work answers with lines while do goes on.
func (h handler) work(w http.ResponseWriter, do func(progress func(store.Progress)) (answer, error)) {
	long(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	c := http.NewResponseController(w)
	_ = c.EnableFullDuplex() // progress goes out while an import comes in
	_ = c.Flush()
	a, err := do(func(p store.Progress) {
		_ = table.WriteJSON(w, answer{Progress: &counts{Messages: p.Messages, Bytes: p.Bytes, Total: p.Total}})
		_ = c.Flush()
	})
	if a.Done = err == nil; err != nil {
		a.Error = err.Error()
	}
	_ = table.WriteJSON(w, a)
}

func (h handler) check(w http.ResponseWriter, r *http.Request) {
	h.work(w, func(func(store.Progress)) (answer, error) { return answer{}, h.Check(r.Context()) })
}

func (h handler) purge(w http.ResponseWriter, r *http.Request) {
	f, err := filterOf(r)
	if err != nil {
		fail(w, err)
		return
	}
	h.work(w, func(progress func(store.Progress)) (answer, error) {
		purged, err := h.Purge(r.Context(), f, progress)
		return answer{Result: &counts{Messages: purged.Messages, Bytes: purged.Bytes}}, err
	})
}

func (h handler) restore(w http.ResponseWriter, r *http.Request) {
	var ids []store.ID
	for _, s := range r.URL.Query()["id"] {
		id, err := idOf(s)
		if err != nil {
			fail(w, err)
			return
		}
		ids = append(ids, id)
	}
	if err := h.Restore(r.Context(), ids...); err != nil {
		fail(w, err)
		return
	}
	_ = table.WriteJSON(w, answer{Done: true})
}

func (h handler) importAll(w http.ResponseWriter, r *http.Request) {
	h.work(w, func(progress func(store.Progress)) (answer, error) {
		in, err := h.Import(r.Context(), r.Body, progress)
		return answer{Result: &counts{Messages: in.Stored, Bytes: in.Bytes, Duplicates: in.Duplicates}}, err
	})
}
