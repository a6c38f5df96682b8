package ms

import (
	"net/http"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/internal/table"
	"github.com/gomscp/gomscp/ms/operator"
	"github.com/gomscp/gomscp/store"
)

// Kept has the totals of the messages of one sender for one recipient. The page /store of
// the admin address is a JSON array of them.
type Kept struct {
	Recipient string    `json:"recipient"`
	Sender    string    `json:"sender"`
	Messages  int       `json:"messages"`
	Bytes     int64     `json:"bytes"`
	Oldest    time.Time `json:"oldest"`
}

// adminPages are the pages of the admin endpoint about a store.
func adminPages(st *store.Store) daemon.AdminPages {
	handlers := operator.Handler(st)
	handlers["GET /store"] = func(w http.ResponseWriter, _ *http.Request) { serveKept(w, st) }
	return daemon.AdminPages{Handlers: handlers, About: map[string]string{
		"GET /store":            "how many messages are kept for each recipient and sender, in JSON",
		"GET /store/recipients": "the recipients that have messages, a JSON object a line",
		"GET /store/messages":   "the messages, a JSON object a line; ?to=URI, ?from=URI, ?before=TIME and ?aside=true select",
		"GET /store/message":    "the message ?id=N in JSON, without its body",
		"GET /store/body":       "the body of the message ?id=N",
		"GET /store/export":     "messages in the format of store/archive/EXPORT.md; ?to=URI and so on select",
		"GET /store/backup":     "a copy of the store's file, which may be large",
		"POST /store/check":     "look for damage",
		"POST /store/purge":     "delete messages; ?to=URI and so on select",
		"POST /store/restore":   "have the message ?id=N, which was set aside, delivered again",
		"POST /store/import":    "take the body as messages in the format of store/archive/EXPORT.md",
	}}
}

// serveKept lists what is kept for each pair, without the content of a message.
func serveKept(w http.ResponseWriter, st *store.Store) {
	kept := []Kept{}
	for _, r := range st.Recipients() {
		for _, sender := range st.Senders(r.Recipient) {
			if len(kept) == maxKept {
				break
			}
			kept = append(kept, Kept{
				Recipient: r.Recipient, Sender: sender.Sender,
				Messages: sender.Count, Bytes: sender.Bytes, Oldest: sender.Oldest,
			})
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = table.WriteJSON(w, kept) // the reader may have gone
}
