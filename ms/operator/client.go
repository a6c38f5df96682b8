package operator

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gomscp/gomscp/store"
	"github.com/gomscp/gomscp/store/archive"
)

// MaxLine bounds one line of an answer, in bytes.
const MaxLine = 1 << 20

// client is a running server, by its admin address.
type client struct {
	addr string
	base string
	http *http.Client
}

var _ Store = (*client)(nil)

// Dial works on the running server at an admin address, host:port. Nothing is
// connected yet.
func Dial(addr string) Store {
	return &client{addr: addr, base: "http://" + addr + "/store/", http: &http.Client{Transport: &http.Transport{Proxy: nil}}}
}

func (c *client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

func query(f store.Filter) url.Values {
	q := url.Values{}
	for key, v := range map[string]string{"to": f.Recipient, "from": f.Sender} {
		if v != "" {
			q.Set(key, v)
		}
	}
	if !f.Before.IsZero() {
		q.Set("before", f.Before.Format(time.RFC3339Nano))
	}
	if f.Aside {
		q.Set("aside", "true")
	}
	return q
}

// damageTrailer is the HTTP trailer that tells what an export or a body lacks
// because it is damaged.
const damageTrailer = "Damage"

// A damagedBody is a response's body, which ends with store.ErrDamaged if the
// trailer tells of damage.
type damagedBody struct{ res *http.Response }

func (b damagedBody) Read(p []byte) (int, error) {
	n, err := b.res.Body.Read(p)
	if text := b.res.Trailer.Get(damageTrailer); err == io.EOF && text != "" {
		err = fmt.Errorf("%s: %w", text, store.ErrDamaged)
	}
	return n, err
}

func (b damagedBody) Close() error { return b.res.Body.Close() }

// do makes a request; an answer of anything but 200 is an error.
func (c *client) do(ctx context.Context, method, page string, q url.Values, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+page+"?"+q.Encode(), body)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("no media server answers at %s; -file works on the file of one that does not run", c.addr)
	}
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusOK {
		return damagedBody{res}, nil
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, MaxLine))
	if res.StatusCode == http.StatusNotFound && strings.Contains(string(text), store.ErrNotFound.Error()) {
		return nil, store.ErrNotFound
	}
	return nil, fmt.Errorf("%s: %s", res.Status, strings.TrimSpace(string(text)))
}

var errCut = errors.New("the server's answer was cut off")

// list reads a page of lines.
func list[T any](ctx context.Context, c *client, page string, q url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		body, err := c.do(ctx, http.MethodGet, page, q, nil)
		if err != nil {
			yield(none, err)
			return
		}
		defer body.Close()
		for line, err := range readLines(body) {
			var a answer
			item := none
			if err == nil {
				err = errors.Join(json.Unmarshal(line, &a), json.Unmarshal(line, &item))
			}
			if err == nil && a.Error != "" {
				err = errors.New(a.Error)
			}
			if err == nil && a.Done || !yield(item, err) || err != nil {
				return
			}
		}
		yield(none, errCut)
	}
}

func readLines(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(nil, MaxLine)
		for s.Scan() {
			if !yield(s.Bytes(), nil) {
				return
			}
		}
		if err := s.Err(); err != nil {
			yield(nil, err)
		}
	}
}

func (c *client) Recipients(ctx context.Context) iter.Seq2[Recipient, error] {
	return list[Recipient](ctx, c, "recipients", nil)
}

func (c *client) Messages(ctx context.Context, f store.Filter) iter.Seq2[Message, error] {
	return list[Message](ctx, c, "messages", query(f))
}

func idQuery(ids ...store.ID) url.Values {
	q := url.Values{}
	for _, id := range ids {
		q.Add("id", strconv.FormatUint(uint64(id), 10))
	}
	return q
}

func (c *client) Message(ctx context.Context, id store.ID) (m Message, err error) {
	body, err := c.do(ctx, http.MethodGet, "message", idQuery(id), nil)
	if err != nil {
		return m, err
	}
	defer body.Close()
	return m, json.NewDecoder(io.LimitReader(body, MaxLine)).Decode(&m)
}

func (c *client) Body(ctx context.Context, id store.ID) (io.ReadCloser, error) {
	return c.do(ctx, http.MethodGet, "body", idQuery(id), nil)
}

func (c *client) Restore(ctx context.Context, ids ...store.ID) error {
	body, err := c.do(ctx, http.MethodPost, "restore", idQuery(ids...), nil)
	if err != nil {
		return err
	}
	return body.Close()
}

// work reads the lines of what takes long, up to its result.
func (c *client) work(ctx context.Context, page string, q url.Values, body io.Reader, progress func(store.Progress)) (answer, error) {
	res, err := c.do(ctx, http.MethodPost, page, q, body)
	if err != nil {
		return answer{}, err
	}
	defer res.Close()
	for line, err := range readLines(res) {
		var a answer
		if err == nil {
			err = json.Unmarshal(line, &a)
		}
		switch {
		case err != nil:
			return answer{}, err
		case a.Error != "":
			return a, errors.New(a.Error)
		case a.Done:
			return a, nil
		case a.Progress != nil && progress != nil:
			progress(store.Progress{Messages: a.Progress.Messages, Bytes: a.Progress.Bytes, Total: a.Progress.Total})
		}
	}
	return answer{}, errCut
}

func (c *client) Purge(ctx context.Context, f store.Filter, progress func(store.Progress)) (p store.Purged, err error) {
	a, err := c.work(ctx, "purge", query(f), nil, progress)
	if a.Result != nil {
		p = store.Purged{Messages: a.Result.Messages, Bytes: a.Result.Bytes}
	}
	return p, err
}

func (c *client) Import(ctx context.Context, r io.Reader, progress func(store.Progress)) (in archive.Imported, err error) {
	a, err := c.work(ctx, "import", nil, r, progress)
	if a.Result != nil {
		in = archive.Imported{Stored: a.Result.Messages, Duplicates: a.Result.Duplicates, Bytes: a.Result.Bytes}
	}
	return in, err
}

func (c *client) Check(ctx context.Context) error {
	_, err := c.work(ctx, "check", nil, nil, nil)
	return err
}

// save copies a page.
func (c *client) save(ctx context.Context, w io.Writer, page string, q url.Values) error {
	body, err := c.do(ctx, http.MethodGet, page, q, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = io.Copy(w, body)
	return err
}

func (c *client) Export(ctx context.Context, w io.Writer, f store.Filter) error {
	return c.save(ctx, w, "export", query(f))
}

func (c *client) Backup(ctx context.Context, w io.Writer) error {
	return c.save(ctx, w, "backup", nil)
}
