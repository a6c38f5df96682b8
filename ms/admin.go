package ms

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/gomscp/gomscp/ms/operator"
)

// Kept is what the store holds of one sender's messages to one recipient. The
// admin endpoint's page /store is a JSON array of them.
type Kept struct {
	Recipient string    `json:"recipient"`
	Sender    string    `json:"sender"`
	Messages  int       `json:"messages"`
	Bytes     int64     `json:"bytes"`
	Oldest    time.Time `json:"oldest"`
}

// maxKept bounds the page /store; what is beyond is left out.
const maxKept = 10_000

func (s *Server) adminPages() map[string]http.HandlerFunc {
	pages := operator.Handler(s.store)
	pages["GET /store"] = s.serveStorePage
	return pages
}

// serveStorePage lists who has left how much for whom; no message's content.
func (s *Server) serveStorePage(w http.ResponseWriter, _ *http.Request) {
	kept := []Kept{}
	for _, r := range s.store.Recipients() {
		for _, sender := range s.store.Senders(r.Recipient) {
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
	_ = json.NewEncoder(w).Encode(kept) // the reader may have gone
}
