package io.opensandbox.runtime.docker;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

final class SandboxReportTest {
  @Test
  void everySectionIsThere_andSecretsAreMasked() throws JsonProcessingException {
    String inspection =
        """
        {"Id": "0123456789abcdef", "Name": "/sandbox-1",
         "State": {"Status": "exited", "Running": false, "Paused": false, "OOMKilled": true,
                   "ExitCode": 137, "Error": "boom", "StartedAt": "s", "FinishedAt": "f"},
         "Config": {"Image": "a:1", "Env": ["API_KEY=k", "plain=1", "my_password=p", "NOVALUE"],
                    "Labels": {"z": "1", "a": "2", "opensandbox.io/egress-auth-token": "t0k3n",
                               "opensandbox.io/metadata-keys": "[\\"z\\"]"}},
         "HostConfig": {"NanoCpus": 500000000, "Memory": 134217728, "PidsLimit": null},
         "NetworkSettings": {
           "Networks": {"bridge": {"IPAddress": "172.17.0.2"}},
           "Ports": {"44772/tcp": [{"HostIp": "0.0.0.0", "HostPort": "41000"}], "8080/tcp": null}}}
        """;

    String report = new SandboxReport(new ObjectMapper().readTree(inspection)).write();

    assertThat(report)
        .isEqualTo(
            """
            Container ID:   0123456789ab
            Name:           sandbox-1
            Image:          a:1
            Status:         exited
            Running:        false
            Paused:         false
            OOMKilled:      true
            Exit Code:      137
            Started At:     s
            Finished At:    f
            Error:          boom

            Resources:
              CPU: 0.50 cores
              Memory: 128 MiB
              PIDs Limit: unlimited

            Network:
              bridge: 172.17.0.2

            Ports:
              44772/tcp -> 0.0.0.0:41000
              8080/tcp -> (not bound)

            Labels:
              a=2
              opensandbox.io/egress-auth-token=***
              opensandbox.io/metadata-keys=["z"]
              z=1

            Environment:
              API_KEY=***
              plain=1
              my_password=***
              NOVALUE=
            """);
  }
}
