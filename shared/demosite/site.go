package demosite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// siteAPI is Arngate's API as the site's administrator uses it.
type siteAPI struct {
	base, token string
	client      *http.Client
}

// nameProvider registers the provider before its role exists, and returns the trust policy to create the role with.
func (s siteAPI) nameProvider(ctx context.Context) (string, error) {
	var provider struct {
		TrustPolicy json.RawMessage `json:"trust_policy"`
	}
	err := s.call(ctx, http.MethodPost, "/v1/providers", map[string]any{"name": Provider, "method": "assume_role"}, &provider)
	return string(provider.TrustPolicy), err
}

// useRole gives a provider its role and has it verified, which must find the status.
func (s siteAPI) useRole(ctx context.Context, provider, roleARN, status string) error {
	path := "/v1/providers/" + provider
	body := map[string]any{"name": provider, "method": "assume_role", "role_arn": roleARN}
	if err := s.call(ctx, http.MethodPut, path, body, nil); err != nil {
		return err
	}
	var verification struct {
		Status string `json:"status"`
	}
	if err := s.call(ctx, http.MethodPost, path+"/verify", nil, &verification); err != nil {
		return err
	}
	if verification.Status != status {
		return fmt.Errorf("verify provider: status is %q, want %q", verification.Status, status)
	}
	return nil
}

func (s siteAPI) connect(ctx context.Context) error {
	connection := func(name, connector, resources string, value any) map[string]any {
		return map[string]any{
			"name": name, "connector": connector, "provider": Provider, "region": Region, "groups": []string{"*"},
			"read_only": false, "acting": true, resources: value,
		}
	}
	bucket := func(name string) []map[string]any { return []map[string]any{{"name": name}} }
	for _, body := range []map[string]any{
		connection(OrdersName, "dynamodb", "tables", []string{Table}),
		connection(FilesName, "s3", "buckets", bucket(Bucket)),
		connection(ArchiveName, "s3", "buckets", bucket(Archive)),
		connection(ActionsName, "lambda", "functions", []string{Function}),
	} {
		if err := s.call(ctx, http.MethodPost, "/v1/connections", body, nil); err != nil {
			return fmt.Errorf("create connection %s: %w", body["name"], err)
		}
	}
	return nil
}

// call sends body as JSON and decodes a 2xx answer into out; any other answer is an error that holds the problem.
func (s siteAPI) call(ctx context.Context, method, path string, body, out any) (err error) {
	var sent io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode body: %w", err)
		}
		sent = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, s.base+path, sent)
	if err != nil {
		return fmt.Errorf("build request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s answered %s: %s", method, path, response.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}
