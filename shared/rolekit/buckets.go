package rolekit

import (
	"slices"
	"strconv"
	"strings"

	"github.com/arngate/arngate/shared/permissions"
)

// bucket is what a kit suggests for a bucket of the account. The member names below are those of S3's API, as the AWS CLI takes
// them.
type bucket struct {
	Name      string     `json:"name"`
	CORS      *cors      `json:"cors,omitempty"`
	Lifecycle *lifecycle `json:"lifecycle,omitempty"`
}

type cors struct {
	Rules []corsRule `json:"CORSRules"`
}

type corsRule struct {
	ID             string   `json:"ID"`
	AllowedOrigins []string `json:"AllowedOrigins"`
	AllowedMethods []string `json:"AllowedMethods"`
	AllowedHeaders []string `json:"AllowedHeaders"`
	ExposeHeaders  []string `json:"ExposeHeaders"`
	MaxAgeSeconds  int      `json:"MaxAgeSeconds"`
}

type lifecycle struct {
	Rules []lifecycleRule `json:"Rules"`
}

type lifecycleRule struct {
	ID     string `json:"ID"`
	Status string `json:"Status"`
	Filter struct {
		Prefix string `json:"Prefix"`
	} `json:"Filter"`
	Abort struct {
		Days int `json:"DaysAfterInitiation"`
	} `json:"AbortIncompleteMultipartUpload"`
}

const (
	// preflightSeconds is how long browsers may remember a preflight's answer.
	preflightSeconds = 600
	// abandonedDays is after how many days an upload that was begun in parts counts as abandoned. No presigned part is valid
	// that long.
	abandonedDays = 7
)

// buckets returns what is suggested for the buckets that the connections name, by name: rules for the browsers' origins, as
// presigned URLs and forms are used across origins (traps.md 23c), and an end for uploads that nobody completed. A bucket of
// another account is that account's to change.
func buckets(o Options) []bucket {
	named := map[string]*use{}
	var names []string
	for _, l := range o.Limits {
		for _, b := range l.Buckets {
			if b.Name == permissions.Every || (b.Owner != "" && b.Owner != o.Account) {
				continue
			}
			if named[b.Name] == nil {
				named[b.Name] = &use{}
				names = append(names, b.Name)
			}
			named[b.Name].add(b, l.ReadOnly)
		}
	}
	slices.Sort(names)
	var out []bucket
	for _, name := range names {
		b := bucket{Name: name, CORS: named[name].cors(o.Origins), Lifecycle: named[name].lifecycle()}
		if b.CORS != nil || b.Lifecycle != nil {
			out = append(out, b)
		}
	}
	return out
}

// use is how all connections together use a bucket.
type use struct {
	written bool
	folders []string // written to, as prefixes of keys
}

func (u *use) add(b permissions.Bucket, readOnly bool) {
	if readOnly {
		return
	}
	u.written = true
	folder := b.Prefix
	if folder != "" && !strings.HasSuffix(folder, "/") {
		folder += "/"
	}
	if !slices.Contains(u.folders, folder) {
		u.folders = append(u.folders, folder)
	}
}

func (u *use) cors(origins []string) *cors {
	if len(origins) == 0 {
		return nil
	}
	methods := []string{"GET", "HEAD"}
	if u.written {
		methods = append(methods, "POST", "PUT")
	}
	return &cors{Rules: []corsRule{{
		ID: "arngate", AllowedOrigins: origins, AllowedMethods: methods, AllowedHeaders: []string{"*"},
		ExposeHeaders: []string{"ETag"}, MaxAgeSeconds: preflightSeconds,
	}}}
}

func (u *use) lifecycle() *lifecycle {
	if !u.written {
		return nil
	}
	out := &lifecycle{}
	for i, folder := range u.folders {
		rule := lifecycleRule{ID: "arngate-abandoned-uploads-" + strconv.Itoa(i+1), Status: "Enabled"}
		rule.Filter.Prefix = folder
		rule.Abort.Days = abandonedDays
		out.Rules = append(out.Rules, rule)
	}
	return out
}
