package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ptsns/ptsns/pts"
)

// request is one request: it answers, or returns why it cannot.
type request func(h *handler, w http.ResponseWriter, r *http.Request) error

// routes are the requests by path and method. "*" is any one element, which is the path
// value of that name.
var routes = map[string]map[string]request{
	"v1/version":            {"GET": (*handler).version},
	"v1/namespace":          {"GET": (*handler).state, "DELETE": (*handler).end},
	"v1/events":             {"GET": (*handler).events},
	"v1/programs":           {"POST": (*handler).start},
	"v1/terminals/*/attach": {"POST": (*handler).attach},
	"v1/terminals/*/input":  {"POST": (*handler).input},
	"v1/terminals/*/output": {"GET": (*handler).output},
	"v1/terminals/*/screen": {"GET": (*handler).screen},
	"v1/terminals/*/await":  {"POST": (*handler).await},
	"v1/terminals/*/resize": {"POST": (*handler).resize},
	"v1/terminals/*/signal": {"POST": (*handler).signal},
	"v1/terminals/*/exit":   {"GET": (*handler).exit},
	"v1/terminals/*/record": {"POST": (*handler).record, "DELETE": (*handler).stopRecord},
	"v1/viewers/*/kick":     {"POST": (*handler).kick},
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The deadlines belong to one request; a stream lifts them, and one that waits has longer.
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(bodyTimeout))   // only a test's writer has none
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout)) // the same
	f, err := route(w, r)
	if r.Method != http.MethodPost {
		drain(r)
	}
	if err == nil {
		err = f(h, w, r)
	}
	if err != nil {
		drain(r)
		writeError(w, err)
	}
}

// drain reads what nobody has use for of a body, unless it is long: a client that is answered
// before it has sent all of its request may find the connection broken, and no answer.
func drain(r *http.Request) {
	_, _ = io.CopyN(io.Discard, r.Body, maxDrain) // what cannot be read is nobody's any more
}

// route finds what is asked for.
func route(w http.ResponseWriter, r *http.Request) (request, error) {
	elements := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if len(elements) == 4 {
		r.SetPathValue("*", elements[2])
		elements[2] = "*"
	}
	methods := routes[strings.Join(elements, "/")]
	if methods == nil {
		return nil, fmt.Errorf("%w: there is no %q", errNoRequest, r.URL.Path)
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	f := methods[method]
	if f == nil {
		w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(methods)), ", "))
		return nil, fmt.Errorf("%w: %q of %q", errNoMethod, r.Method, r.URL.Path)
	}
	return f, nil
}

// target is the terminal that a request is about.
func target(r *http.Request, q query) (t ref, err error) {
	if t.index, err = parseIndex(r.PathValue("*")); err != nil {
		return ref{}, err
	}
	t.serial = q["serial"]
	t.pid, err = q.number("pid", 0, 0, 1<<31-1)
	return t, err
}

func parseIndex(s string) (int, error) {
	if s == "-" {
		return -1, nil
	}
	n, err := strconv.ParseUint(s, 10, 20)
	if err != nil {
		return 0, badRequest("%q is not an index (0 to %d)", s, pts.MaxIndex)
	}
	return int(n), nil
}

// query is what stands behind the question mark, each name once.
type query map[string]string

// parseQuery refuses names that are not known: what they ask for would not happen.
func parseQuery(r *http.Request, known ...string) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("the query: %w", err)
	}
	q := make(query, len(values))
	for name, v := range values {
		if !slices.Contains(known, name) {
			return nil, badRequest("the query has %q, which means nothing here", name)
		}
		if len(v) != 1 {
			return nil, badRequest("the query has %q %d times", name, len(v))
		}
		q[name] = v[0]
	}
	return q, nil
}

func (q query) number(name string, fallback, least, most int) (int, error) {
	s, ok := q[name]
	if !ok {
		return fallback, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return 0, badRequest("%s=%q: want %d to %d", name, s, least, most)
	}
	return n, nil
}

func (q query) truth(name string) (bool, error) {
	switch s, ok := q[name]; {
	case !ok || s == "false":
		return false, nil
	case s == "true":
		return true, nil
	default:
		return false, badRequest("%s=%q: want true or false", name, s)
	}
}

// wait is a time to wait, of at most maxWait.
func (q query) wait(name string, fallback time.Duration) (time.Duration, error) {
	s, ok := q[name]
	if !ok {
		return fallback, nil
	}
	return parseWait(name, s)
}

func parseWait(name, s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > maxWait {
		return 0, badRequest("%s %q: want a time like 200ms, of at most %v", name, s, maxWait)
	}
	return d, nil
}

// accepts tells whether the client names that type among those it wants.
func accepts(r *http.Request, mediaType string) bool {
	return listed(r.Header.Values("Accept"), mediaType)
}

// listed looks for a word in a header's lists.
func listed(values []string, word string) bool {
	for _, v := range values {
		for element := range strings.SplitSeq(v, ",") {
			element, _, _ = strings.Cut(element, ";")
			if strings.EqualFold(strings.TrimSpace(element), word) {
				return true
			}
		}
	}
	return false
}

// wantsStream tells whether the client asked to turn the connection into a stream.
func wantsStream(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), protocol) && listed(r.Header.Values("Connection"), "upgrade")
}

// readBody reads the whole body, of at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return nil, badRequest("the body is longer than %d bytes", limit)
	}
	if err != nil {
		return nil, badRequest("read the body: %w", err)
	}
	return body, nil
}

// readJSON reads the whole body, of at most limit bytes, into v.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	body, err := readBody(w, r, limit)
	if err != nil {
		return err
	}
	if err := decodeStrictly(body, v); err != nil {
		return badRequest("the body: %w", err)
	}
	return nil
}

// decodeStrictly decodes one JSON value. It refuses fields that v does not have: what
// they ask for would not happen.
func decodeStrictly(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if err == io.EOF {
			return errors.New("there is none")
		}
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the JSON value")
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

// writeError answers with what err is to a client.
func writeError(w http.ResponseWriter, err error) {
	e, status := describe(err)
	if f := (*failure)(nil); errors.As(err, &f) {
		f.Code, f.Text = e.Code, e.Text
		writeJSON(w, status, f)
		return
	}
	writeJSON(w, status, e)
}

// failure is an error with what there is to say all the same.
type failure struct {
	Code   string `json:"code"`
	Text   string `json:"error"`
	Typed  *int   `json:"typed,omitempty"`  // of an input
	Serial string `json:"serial,omitempty"` // likewise
	Seen   *Seen  `json:"seen,omitempty"`   // of an await
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }
