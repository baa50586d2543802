//! Service providers by samael, as an application would write them: one for each folder below the
//! working directory, whose page at `/NAME/page` shows who is signed in.
//!
//! A folder holds `provider.json` (what differs between them) and `idp.xml` (the identity
//! provider's metadata); key and certificate of all lie beside the folders.

mod provider;

use std::collections::HashMap;
use std::error::Error;
use std::fs;

use provider::{Answer, Asked, Provider};
use tiny_http::{Header, Request, Response, Server};

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let port: u16 = std::env::args().nth(1).ok_or("which port?")?.parse()?;
    let mut providers = HashMap::new();
    for entry in fs::read_dir(".")? {
        let folder = entry?.path();
        if folder.join("provider.json").exists() {
            let provider = Provider::read(&folder).map_err(|error| error.to_string())?;
            providers.insert(provider.name.clone(), provider);
        }
    }
    let server = Server::http(("127.0.0.1", port))?;
    for request in server.incoming_requests() {
        serve(&mut providers, request)?;
    }
    Ok(())
}

fn serve(
    providers: &mut HashMap<String, Provider>,
    mut request: Request,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut body = String::new();
    request.as_reader().read_to_string(&mut body)?;
    let url = request.url().to_owned();
    let path = url.split('?').next().unwrap_or_default();
    let mut parts = path.trim_start_matches('/').split('/');
    let (name, what) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let Some(provider) = providers.get_mut(name) else {
        return Ok(request.respond(Response::from_string("nobody").with_status_code(404))?);
    };
    let cookie = request.headers().iter().find(|header| header.field.equiv("Cookie"));
    let session = cookie.and_then(|header| {
        header.value.as_str().split("; ").find_map(|pair| pair.strip_prefix(&format!("{name}=")))
    });
    let asked = Asked { what, body: &body, session };
    let answer = provider.answer(&asked).unwrap_or_else(|error| Answer::refused(&*error));
    let mut response = Response::from_string(answer.body).with_status_code(answer.status);
    for (field, value) in [
        ("Content-Type", answer.kind.to_owned()),
        ("Location", answer.location),
        (
            "Set-Cookie",
            answer.session.map(|it| format!("{name}={it}; Path=/{name}")).unwrap_or_default(),
        ),
    ] {
        if !value.is_empty() {
            let header = Header::from_bytes(field, value).map_err(|()| "a header")?;
            response.add_header(header);
        }
    }
    Ok(request.respond(response)?)
}
