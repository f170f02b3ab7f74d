// Puts the real program in the launcher's place, which saves a shell at each start. Whatever fails leaves the launcher, which works too.
const fs = require('fs')
const path = require('path')

const { name } = require('./package.json')
const launcher = path.join(__dirname, 'bin', name)
const fresh = `${launcher}.new`
try {
  const real = require.resolve(`@port-who/${name}-${process.platform}-${process.arch}/bin/${name}`)
  try {
    fs.linkSync(real, fresh)
  } catch {
    fs.copyFileSync(real, fresh)
  }
  fs.renameSync(fresh, launcher)
} catch {
  fs.rmSync(fresh, { force: true })
}
