# The five commands, built by Nix: `nix profile install .`, `nix run . -- --help` is ensure-up's. It was never built: see packaging/README.md.
{
  description = "port-who, port-kill, proc-tree, health-wait, ensure-up";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      manifest = (builtins.fromTOML (builtins.readFile ./Cargo.toml)).workspace.package;
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      tools = [ "port-who" "port-kill" "proc-tree" "health-wait" "ensure-up" ];
      each = what: nixpkgs.lib.genAttrs systems (system: what nixpkgs.legacyPackages.${system});
    in
    {
      packages = each (pkgs: {
        default = pkgs.rustPlatform.buildRustPackage {
          pname = "port-who";
          inherit (manifest) version;
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          nativeBuildInputs = [ pkgs.installShellFiles ];
          # the tests look at processes and sockets of a whole machine, which a build's sandbox is not
          doCheck = false;
          postInstall = pkgs.lib.concatMapStrings (tool: ''
            for form in man bash zsh fish; do $out/bin/${tool} --generate $form >${tool}.$form; done
            mv ${tool}.man ${tool}.1
            installManPage ${tool}.1
            installShellCompletion --cmd ${tool} --bash ${tool}.bash --zsh ${tool}.zsh --fish ${tool}.fish
          '') tools;
          meta = {
            description = "Five small tools for ports, processes and the servers behind them";
            homepage = manifest.repository;
            license = with pkgs.lib.licenses; [ mit asl20 ];
            mainProgram = "ensure-up";
            platforms = systems;
          };
        };
      });

      devShells = each (pkgs: {
        default = pkgs.mkShell { packages = [ pkgs.cargo pkgs.rustc pkgs.clippy pkgs.rustfmt ]; };
      });
    };
}
